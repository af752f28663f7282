import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { shortcomings } from "../../bootstrap/commands/collect.ts";
import { openAside } from "../../bootstrap/edges/hosts/aside.ts";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { collectProgram } from "./collect-program.ts";
import { aBench, put } from "./collecting.ts";

const program = collectProgram();

/** A `git` that counts its calls and, at one of them, kills who called it: before it does anything, or after. */
const deadlyGit = async (call: number, when: "before" | "after") => {
  const bin = join(program.bench.folder, "bin");
  await mkdir(bin, { recursive: true });
  const real = (await run("sh", ["-c", "command -v git"])).stdout.trim();
  const count = join(program.bench.folder, "count");
  await writeFile(count, "");
  await writeFile(
    join(bin, "git"),
    `#!/bin/sh\necho x >>${count}\n` +
      `[ "$(wc -l <${count})" -eq ${call} ] || exec ${real} "$@"\n` +
      (when === "after" ? `${real} "$@"\n` : "") +
      "kill -9 $PPID\n",
  );
  await chmod(join(bin, "git"), 0o755);
  return { PATH: `${bin}:${process.env.PATH}` };
};

test("collect killed before and after each of its git calls, ends in the same state when it is run again", async () => {
  expect(succeeded(await program.collect())).toBe(true);
  await put(program.host, { "etc/app/a": "changed", "etc/app/new": "4" });
  await rm(join(program.host, "etc/app/c"), { recursive: true });
  const start = (await program.bench.git.revparse(["HEAD"])).trim();
  expect(succeeded(await program.collect())).toBe(true);
  const wanted = await program.tree();
  let kills = 0;
  // After one call is before the next one, but for the last few, which are the commit and what reads it.
  for (const when of ["before", "after"] as const) {
    for (let call = when === "before" ? 1 : kills - 2; ; call++) {
      await program.bench.git.raw(["reset", "-q", "--hard", start]);
      const first = await program.collect([], await deadlyGit(call, when));
      if (first.ending.kind === "exited") break;
      kills++;
      const second = await program.collect();
      expect(second.stderr, `killed ${when} call ${call}`).toBe("");
      expect(await program.tree(), `killed ${when} call ${call}`).toBe(wanted);
      expect((await program.bench.git.status()).isClean()).toBe(true);
    }
  }
  expect(kills).toBeGreaterThan(10);
});

test("collect that stopped at any file that it writes ends in the same state", async () => {
  const bench = await aBench();
  const host = await bench.host("web-1", { "etc/app/app.conf": "port=80\n" });
  await bench.role("web", { sources: [{ folder: host, host: "web-1" }], paths: ["/etc/app"] });
  await put(host, { "etc/app/b": "1", "etc/app/c/d": "2", "etc/app/gone": "3" });
  await symlink("b", join(host, "etc/app/link"));
  await bench.collect();
  const start = (await bench.git.revparse(["HEAD"])).trim();
  await put(host, { "etc/app/b": "changed", "etc/app/e/f": "4" });
  for (const path of ["etc/app/c", "etc/app/gone", "etc/app/link"])
    await rm(join(host, path), { recursive: true });
  await put(host, { "etc/app/c": "5", "etc/app/link/g": "6" });
  const stopping = async (after: number) => {
    const aside = await openAside(join(bench.root, ".rekindle/collect/aside"));
    let count = 0;
    const path = (sha256: string) => {
      if (++count > after) throw new Error("stopped");
      return aside.path(sha256);
    };
    return { ...aside, path };
  };
  await bench.collect();
  const wanted = await bench.git.raw(["ls-tree", "-r", "HEAD"]);
  let stops = 0;
  for (let after = 0; ; after++) {
    await bench.git.raw(["reset", "-q", "--hard", start]);
    const stopped = await bench.collect({ aside: await stopping(after) }).then(
      () => false,
      () => true,
    );
    if (!stopped) break;
    stops++;
    expect(shortcomings(await bench.collect())).toBeUndefined();
    expect(await bench.git.raw(["ls-tree", "-r", "HEAD"]), `stopped after ${after}`).toBe(wanted);
  }
  expect(stops).toBeGreaterThan(4);
  await bench.remove();
});
