import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { aBench, type Bench, put } from "./collecting.ts";

/** The program itself, as a timer starts it: killed, and twice at a time. */
describe("the program", () => {
  let program = "";
  let bench: Bench;
  let host = "";

  beforeAll(async () => {
    program = await mkdtemp(join(tmpdir(), "rekindle-program-"));
    await build({
      entryPoints: ["bootstrap/main.ts"],
      outdir: join(program, "dist"),
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      external: ["cdktf", "@cdktf/*", "constructs"],
      banner: {
        js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
      },
      logLevel: "warning",
    });
    await writeFile(join(program, "package.json"), '{"type":"module"}');
    const script = "bootstrap/edges/hosts/gather.sh";
    await cp(resolve(script), join(program, script), { recursive: true });
  });
  afterAll(async () => await rm(program, { recursive: true, force: true }));

  beforeEach(async () => {
    bench = await aBench();
    await put(bench.root, { "cdktf.json": "{}" });
    host = await bench.host("web-1", { "etc/app/a": "1", "etc/app/b": "2", "etc/app/c/d": "3" });
    await bench.role("web", { sources: [{ folder: host, host: "web-1" }], paths: ["/etc/app"] });
  });
  afterEach(async () => await bench.remove());

  const collect = (args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
    run(process.execPath, [join(program, "dist/main.js"), "collect", ...args], {
      cwd: bench.root,
      env: { ...process.env, ...env },
    });
  const tree = () => bench.git.raw(["ls-tree", "-r", "HEAD"]);

  /** A `git` that counts its calls and, at one of them, kills who called it: before it does anything, or after. */
  const deadlyGit = async (call: number, when: "before" | "after") => {
    const bin = join(bench.folder, "bin");
    await mkdir(bin, { recursive: true });
    const real = (await run("sh", ["-c", "command -v git"])).stdout.trim();
    const count = join(bench.folder, "count");
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

  it("killed before and after each of its git calls, ends in the same state when it is run again", async () => {
    expect(succeeded(await collect())).toBe(true);
    await put(host, { "etc/app/a": "changed", "etc/app/new": "4" });
    await rm(join(host, "etc/app/c"), { recursive: true });
    const start = (await bench.git.revparse(["HEAD"])).trim();
    expect(succeeded(await collect())).toBe(true);
    const wanted = await tree();
    let kills = 0;
    // After one call is before the next one, but for the last few, which are the commit and what reads it.
    for (const when of ["before", "after"] as const) {
      for (let call = when === "before" ? 1 : kills - 2; ; call++) {
        await bench.git.raw(["reset", "-q", "--hard", start]);
        const first = await collect([], await deadlyGit(call, when));
        if (first.ending.kind === "exited") break;
        kills++;
        const second = await collect();
        expect(second.stderr, `killed ${when} call ${call}`).toBe("");
        expect(await tree(), `killed ${when} call ${call}`).toBe(wanted);
        expect((await bench.git.status()).isClean()).toBe(true);
      }
    }
    expect(kills).toBeGreaterThan(10);
  }, 240_000);

  it("leaves with exit code 4 while another run works, and waits for it when it is told to", async () => {
    const slow = await bench.host("slow", { "etc/app/a": "1" });
    const bin = join(bench.folder, "slow-bin");
    await mkdir(bin);
    await writeFile(
      join(bin, "find"),
      '#!/bin/sh\n[ "$1" = --version ] || sleep 2\nexec /usr/bin/find "$@"\n',
      {
        mode: 0o755,
      },
    );
    await bench.role("slow", { sources: [{ folder: slow, host: "slow" }], paths: ["/etc/app"] });
    const first = collect([], { PATH: `${bin}:${process.env.PATH}` });
    const lock = join(bench.root, ".rekindle/collect/lock");
    for (let tries = 0; tries < 200 && (await readFile(lock).catch(() => undefined)) === undefined; tries++)
      await new Promise((resolve) => setTimeout(resolve, 25));
    const [second, third] = await Promise.all([collect(), collect(["--wait", "1m"])]);
    expect(second.ending).toEqual({ kind: "exited", code: 4 });
    expect(second.stderr).toMatch(/another run \(process \d+\) is collecting in this project/);
    expect(third.stdout).toMatch(/waiting for another run[\s\S]*nothing changed/);
    expect(succeeded(await first)).toBe(true);
  });

  it("takes over the lock of a process that is gone", async () => {
    await put(bench.root, { ".rekindle/collect/lock": "4194304 Mon Jan 1 00:00:00 2024" });
    expect(succeeded(await collect())).toBe(true);
    await put(bench.root, { ".rekindle/collect/lock": `${process.pid} Mon Jan 1 00:00:00 2024` });
    expect(succeeded(await collect())).toBe(true);
  });

  it("works in a project that is a folder of its repository", async () => {
    const root = join(bench.folder, "repository");
    await mkdir(root);
    await cp(bench.root, join(root, "infra"), { recursive: true, filter: (path) => !path.endsWith(".git") });
    const git = (...args: string[]) =>
      run("git", ["-c", "user.name=T", "-c", "user.email=t@e.x", ...args], { cwd: root });
    for (const args of [
      ["init", "-q"],
      ["add", "."],
      ["commit", "-qm", "all"],
    ])
      await git(...args);
    const env = { ...process.env, GIT_AUTHOR_NAME: "T", GIT_AUTHOR_EMAIL: "t@e.x" };
    const args = [join(program, "dist/main.js"), "collect"];
    for (const said of ["commit", "nothing changed"]) {
      const { stdout, stderr } = await run(process.execPath, args, { cwd: join(root, "infra"), env });
      expect(stderr).toBe("");
      expect(stdout).toContain(said);
    }
    expect((await git("show", "HEAD:infra/configs/roles/web/files/etc/app/a")).stdout).toBe("1");
  });

  it("answers with one JSON value, and exit code 1 when a host failed", async () => {
    await bench.role("gone", { sources: [{ folder: "/no/such", host: "gone-1" }], paths: ["/etc"] });
    const { stdout, stderr, ending } = await collect(["--json"]);
    expect(ending).toEqual({ kind: "exited", code: 1 });
    expect(JSON.parse(stdout).hosts.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      "failed",
      "collected",
    ]);
    expect(stderr).toContain("gone: gone-1: there is no folder /no/such");
  });

  it("refuses a file with a secret, naming its line and rule, until the project allows it with a reason", async () => {
    const value = ["hunter2", "battery", "staple"].join("-");
    await put(host, { "etc/app/a": `port=80\npassword = "${value}"\n` });
    const refused = await collect();
    expect(refused.ending).toEqual({ kind: "exited", code: 1 });
    expect(refused.stderr).toMatch(
      /web: web-1: \/etc\/app\/a: line 2, column \d+: looks like a secret \(rule [\w-]+\)/,
    );
    expect(refused.stdout + refused.stderr).not.toContain(value);
    const rule = /\(rule ([\w-]+)\)/.exec(refused.stderr)![1];
    const entry = { path: "configs/roles/web/files/etc/app/a", rule, reason: "known to everyone" };
    await put(bench.root, {
      "configs/allowed-secrets.yaml": JSON.stringify({ version: 1, allowed: [entry] }),
    });
    expect(succeeded(await collect())).toBe(true);
    expect(await bench.committed("configs/roles/web/files/etc/app/a")).toContain(value);
  });

  it("collects one host of many, and refuses one that no role has", async () => {
    const { stdout } = await collect(["web", "--host", "web-1"]);
    expect(stdout).toContain("commit");
    const unknown = await collect(["--host", "web-9"]);
    expect(unknown.ending).toEqual({ kind: "exited", code: 2 });
    expect(unknown.stderr).toContain('--host "web-9" is no host of web; name one of web-1');
  });
});
