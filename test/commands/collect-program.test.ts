import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { collectProgram } from "./collect-program.ts";
import { put } from "./collecting.ts";

/** The program itself, as a timer starts it: killed, and twice at a time. */
describe("the program", () => {
  const program = collectProgram();

  it("leaves with exit code 4 while another run works, and waits for it when it is told to", async () => {
    const slow = await program.bench.host("slow", { "etc/app/a": "1" });
    const bin = join(program.bench.folder, "slow-bin");
    await mkdir(bin);
    await writeFile(
      join(bin, "find"),
      '#!/bin/sh\n[ "$1" = --version ] || sleep 2\nexec /usr/bin/find "$@"\n',
      {
        mode: 0o755,
      },
    );
    await program.bench.role("slow", { sources: [{ folder: slow, host: "slow" }], paths: ["/etc/app"] });
    const first = program.collect([], { PATH: `${bin}:${process.env.PATH}` });
    const lock = join(program.bench.root, ".rekindle/collect/lock");
    for (let tries = 0; tries < 200 && (await readFile(lock).catch(() => undefined)) === undefined; tries++)
      await new Promise((resolve) => setTimeout(resolve, 25));
    const [second, third] = await Promise.all([program.collect(), program.collect(["--wait", "1m"])]);
    expect(second.ending).toEqual({ kind: "exited", code: 4 });
    expect(second.stderr).toMatch(/another run \(process \d+\) is collecting in this project/);
    expect(third.stdout).toMatch(/waiting for another run[\s\S]*nothing changed/);
    expect(succeeded(await first)).toBe(true);
  });

  it("takes over the lock of a process that is gone", async () => {
    await put(program.bench.root, { ".rekindle/collect/lock": "4194304 Mon Jan 1 00:00:00 2024" });
    expect(succeeded(await program.collect())).toBe(true);
    await put(program.bench.root, { ".rekindle/collect/lock": `${process.pid} Mon Jan 1 00:00:00 2024` });
    expect(succeeded(await program.collect())).toBe(true);
  });

  it("works in a project that is a folder of its repository", async () => {
    const root = join(program.bench.folder, "repository");
    await mkdir(root);
    await cp(program.bench.root, join(root, "infra"), {
      recursive: true,
      filter: (path) => !path.endsWith(".git"),
    });
    const git = (...args: string[]) =>
      run("git", ["-c", "user.name=T", "-c", "user.email=t@e.x", ...args], { cwd: root });
    for (const args of [
      ["init", "-q"],
      ["add", "."],
      ["commit", "-qm", "all"],
    ])
      await git(...args);
    const env = { ...process.env, GIT_AUTHOR_NAME: "T", GIT_AUTHOR_EMAIL: "t@e.x" };
    const args = [program.main(), "collect"];
    for (const said of ["commit", "nothing changed"]) {
      const { stdout, stderr } = await run(process.execPath, args, { cwd: join(root, "infra"), env });
      expect(stderr).toBe("");
      expect(stdout).toContain(said);
    }
    expect((await git("show", "HEAD:infra/configs/roles/web/files/etc/app/a")).stdout).toBe("1");
  });

  it("answers with one JSON value, and exit code 1 when a host failed", async () => {
    await program.bench.role("gone", { sources: [{ folder: "/no/such", host: "gone-1" }], paths: ["/etc"] });
    const { stdout, stderr, ending } = await program.collect(["--json"]);
    expect(ending).toEqual({ kind: "exited", code: 1 });
    expect(JSON.parse(stdout).hosts.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      "failed",
      "collected",
    ]);
    expect(stderr).toContain("gone: gone-1: there is no folder /no/such");
  });

  it("refuses a file with a secret, naming its line and rule, until the project allows it with a reason", async () => {
    const value = ["hunter2", "battery", "staple"].join("-");
    await put(program.host, { "etc/app/a": `port=80\npassword = "${value}"\n` });
    const refused = await program.collect();
    expect(refused.ending).toEqual({ kind: "exited", code: 1 });
    expect(refused.stderr).toMatch(
      /web: web-1: \/etc\/app\/a: line 2, column \d+: looks like a secret \(rule [\w-]+\)/,
    );
    expect(refused.stdout + refused.stderr).not.toContain(value);
    const rule = /\(rule ([\w-]+)\)/.exec(refused.stderr)![1];
    const entry = { path: "configs/roles/web/files/etc/app/a", rule, reason: "known to everyone" };
    await put(program.bench.root, {
      "configs/allowed-secrets.yaml": JSON.stringify({ version: 1, allowed: [entry] }),
    });
    expect(succeeded(await program.collect())).toBe(true);
    expect(await program.bench.committed("configs/roles/web/files/etc/app/a")).toContain(value);
  });

  it("collects one host of many, and refuses one that no role has", async () => {
    const { stdout } = await program.collect(["web", "--host", "web-1"]);
    expect(stdout).toContain("commit");
    const unknown = await program.collect(["--host", "web-9"]);
    expect(unknown.ending).toEqual({ kind: "exited", code: 2 });
    expect(unknown.stderr).toContain('--host "web-9" is no host of web; name one of web-1');
  });
});
