import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { collectProgram } from "./collect-program.ts";
import { put } from "./collecting.ts";

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
}, 240_000);
