import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmod, mkdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FindSecrets } from "../../bootstrap/collect/cleanse.ts";
import { shortcomings } from "../../bootstrap/commands/collect.ts";
import { announceByCommand } from "../../bootstrap/edges/hosts/announce.ts";
import { folderSource } from "../../bootstrap/edges/hosts/folder.ts";
import { aBench, type Bench, put } from "./collecting.ts";

/** Takes whatever follows `password=` for a secret. */
const findPasswords: FindSecrets = (_path, bytes) =>
  [
    ...Buffer.from(bytes)
      .toString("latin1")
      .matchAll(/password=([^\s{]+)/g),
  ].map((match) => {
    const start = match.index + "password=".length;
    const before = Buffer.from(bytes).subarray(0, start).toString("latin1").split("\n");
    return {
      rule: "password",
      line: before.length,
      column: before.at(-1)!.length + 1,
      start,
      end: start + match[1]!.length,
    };
  });

describe("collect", () => {
  let bench: Bench;
  let host = "";

  beforeEach(async () => {
    bench = await aBench();
    host = await bench.host("web-1", { "etc/app/app.conf": "port=80\n" });
  });
  afterEach(async () => await bench.remove());

  const role = (changes: Record<string, unknown> = {}) =>
    bench.role("web", { sources: [{ folder: host, host: "web-1" }], paths: ["/etc/app"], ...changes });
  const inGit = (path: string) => bench.committed(`configs/roles/web/files/etc/app/${path}`);
  const twoHosts = async (files: Record<string, string>) => {
    const other = await bench.host("web-2", files);
    await role({
      sources: [
        { folder: host, host: "web-1" },
        { folder: other, host: "web-2" },
      ],
    });
    return other;
  };

  describe("of two hosts that differ", () => {
    it("takes the first one's files and records how the other departs from them", async () => {
      await put(host, { "etc/app/only-1": "x" });
      await twoHosts({ "etc/app/app.conf": "port=81\n", "etc/app/only-2": "y" });
      const report = await bench.collect();
      expect(shortcomings(report)).toBeUndefined();
      expect(await inGit("app.conf")).toBe("port=80\n");
      expect(await inGit("only-2")).toBeUndefined();
      expect(report.roles[0]!.differences).toEqual({
        "/etc/app/app.conf": { "web-2": "content" },
        "/etc/app/only-1": { "web-2": "missing" },
        "/etc/app/only-2": { "web-2": "extra" },
      });
      expect(bench.lines).toContain("web: /etc/app/app.conf differs on web-2 in its content from web-1");
      expect(await bench.committed("configs/roles/web/collected.yaml")).toContain("web-2: content");
      expect((await bench.collect()).commit).toBeUndefined();
    });

    it("keeps the first one's last good copy while it is away", async () => {
      const other = await twoHosts({ "etc/app/app.conf": "port=80\n" });
      await bench.collect();
      await put(other, { "etc/app/app.conf": "port=81\n" });
      await rm(host, { recursive: true });
      const report = await bench.collect();
      expect(report.hosts.map(({ outcome }) => outcome)).toEqual(["failed", "collected"]);
      expect(await inGit("app.conf")).toBe("port=80\n");
      expect(report.roles[0]!.differences).toEqual({ "/etc/app/app.conf": { "web-2": "content" } });
    });

    it("takes the second one's files when the first was never there", async () => {
      await twoHosts({ "etc/app/app.conf": "port=81\n" });
      await rm(host, { recursive: true });
      const report = await bench.collect();
      expect(report.roles[0]!.reference).toBe("web-2");
      expect(await inGit("app.conf")).toBe("port=81\n");
      expect(shortcomings(report)?.kind).toBe("failed-check");
    });
  });

  describe("of what is no regular file", () => {
    it("names sockets, pipes and devices, leaves them out, and is content", async () => {
      execFileSync("mkfifo", [join(host, "etc/app/pipe")]);
      const socket = createServer().listen(join(host, "etc/app/socket"));
      await new Promise((resolve) => socket.once("listening", resolve));
      const isRoot = process.getuid?.() === 0;
      if (isRoot) execFileSync("mknod", [join(host, "etc/app/device"), "c", "1", "3"]);
      await role();
      const report = await bench.collect();
      expect(report.hosts[0]!.leftOut.map(({ path, reason }) => `${path} ${reason}`).sort()).toEqual([
        ...(isRoot ? ["/etc/app/device is a character device"] : []),
        "/etc/app/pipe is a named pipe",
        "/etc/app/socket is a socket",
      ]);
      expect(shortcomings(report)).toBeUndefined();
      socket.close();
    });

    it("never follows a link that leads out, on the host or in the work tree", async () => {
      const outside = join(bench.folder, "outside");
      await put(outside, { secret: "x" });
      await symlink(outside, join(host, "etc/app/conf.d"));
      await role();
      await bench.collect();
      expect(await inGit("conf.d")).toBe(outside);
      // The link becomes a folder: what is in it must not be written to where the link in git leads.
      await rm(join(host, "etc/app/conf.d"));
      await put(host, { "etc/app/conf.d/new": "y" });
      await bench.collect();
      expect(await inGit("conf.d/new")).toBe("y");
      await expect(readFile(join(outside, "new"))).rejects.toThrow("ENOENT");
      expect(await readFile(join(outside, "secret"), "utf8")).toBe("x");
    });

    it("does not enter a path that leads through a link, and keeps what git has there", async () => {
      await role({ paths: ["/etc/app/conf.d/x"] });
      await put(host, { "etc/app/conf.d/x": "1" });
      await bench.collect();
      await rm(join(host, "etc/app/conf.d"), { recursive: true });
      await put(bench.folder, { "elsewhere/x": "2" });
      await symlink(join(bench.folder, "elsewhere"), join(host, "etc/app/conf.d"));
      const report = await bench.collect();
      expect(report.hosts[0]!.leftOut[0]).toMatchObject({ path: "/etc/app/conf.d/x", isLoss: true });
      expect(await inGit("conf.d/x")).toBe("1");
    });
  });

  describe("of a file that changes while it is read", () => {
    let writer: ChildProcess | undefined;
    afterEach(() => void writer?.kill("SIGKILL"));
    /** Large enough that it can't be read between two writes, on a busy machine either. */
    const writing = async () => {
      const busy = join(host, "etc/app/busy");
      await writeFile(busy, "x".repeat(1 << 24));
      writer = spawn("sh", ["-c", 'while :; do echo x >>"$0"; done', busy]);
      await expect.poll(async () => (await stat(busy)).size).toBeGreaterThan(1 << 24);
    };
    const patience = { timeoutMs: 30_000, signal: new AbortController().signal };

    it("says so after a second look, and git has no part of it", async () => {
      await writing();
      await role();
      const report = await bench.collect();
      expect(report.hosts[0]!.leftOut).toEqual([
        { path: "/etc/app/busy", reason: "changed while it was read, twice", isLoss: true },
      ]);
      expect(await inGit("busy")).toBeUndefined();
      expect(await inGit("app.conf")).toBe("port=80\n");
    });

    it("takes it when the second look finds it still", async () => {
      await writing();
      await role();
      const source = folderSource("web-1", host, patience);
      const asked: string[][] = [];
      const report = await bench.collect({
        connect: () => ({
          ...source,
          async gather(selected, consume) {
            asked.push(selected.points);
            if (asked.length === 2) {
              const gone = new Promise((resolve) => writer!.once("exit", resolve));
              writer!.kill("SIGKILL");
              await gone;
            }
            await source.gather(selected, consume);
          },
        }),
      });
      expect(asked).toEqual([["/etc/app"], ["/etc/app/busy"]]);
      expect(shortcomings(report)).toBeUndefined();
      expect(await inGit("busy")).toBe(await readFile(join(host, "etc/app/busy"), "utf8"));
    });
  });

  it("masks lines that change by themselves", async () => {
    await put(host, { "etc/app/state": "started=123\nname=a\n" });
    await role({ masks: [{ paths: ["/etc/app/state"], pattern: "started=\\d+", replacement: "started=0" }] });
    await bench.collect();
    expect(await inGit("state")).toBe("started=0\nname=a\n");
    await put(host, { "etc/app/state": "started=456\nname=a\n" });
    expect((await bench.collect()).commit).toBeUndefined();
  });

  describe("of a file with a secret", () => {
    const text = "port=80\npassword=hunter2\n";

    it("refuses it, naming host, file, line and rule, never the value; the last good copy stays", async () => {
      await role();
      await bench.collect({ findSecrets: findPasswords });
      await put(host, { "etc/app/app.conf": text });
      const report = await bench.collect({ findSecrets: findPasswords });
      const said = shortcomings(report)!.details.join("\n");
      expect(said).toBe(
        "web: web-1: /etc/app/app.conf: line 2, column 10: looks like a secret (rule password)",
      );
      expect(bench.lines.join("\n")).not.toContain("hunter2");
      expect(await inGit("app.conf")).toBe("port=80\n");
    });

    it("puts a reference in the place of the value when the role says so", async () => {
      await put(host, { "etc/app/app.conf": text });
      await role({ secrets: "reference" });
      const report = await bench.collect({ findSecrets: findPasswords });
      expect(shortcomings(report)).toBeUndefined();
      expect(await inGit("app.conf")).toBe(
        "port=80\npassword={{secret:rekindle/web/etc-app-app.conf/password}}\n",
      );
      expect(await bench.committed("configs/roles/web/files.yaml")).toContain("template: true");
      expect(bench.lines.join("\n")).toContain(
        "belongs into the secret rekindle/web/etc-app-app.conf/password",
      );
      await put(host, { "etc/app/app.conf": text.replace("hunter2", "other") });
      expect((await bench.collect({ findSecrets: findPasswords })).commit).toBeUndefined();
      await put(host, { "etc/app/app.conf": text.replace("80", "81") });
      await bench.collect({ findSecrets: findPasswords });
      expect(await inGit("app.conf")).toContain("port=81\npassword={{secret:");
    });

    it("reports hosts that have another value there, and keeps that in mind while one is away", async () => {
      const other = await bench.host("web-2", { "etc/app/app.conf": text.replace("hunter2", "other") });
      await put(host, { "etc/app/app.conf": text });
      const sources = [
        { folder: host, host: "web-1" },
        { folder: other, host: "web-2" },
      ];
      await role({ secrets: "reference", sources });
      const differences = async (changes = {}) =>
        (await bench.collect({ findSecrets: findPasswords, ...changes })).roles[0]?.differences;
      const secretDiffers = { "/etc/app/app.conf": { "web-2": "secret" } };
      expect(await differences()).toEqual(secretDiffers);
      expect(await differences()).toEqual(secretDiffers);
      expect(await bench.committed("configs/roles/web/collected.yaml")).not.toMatch(
        /hunter2|other|[0-9a-f]{64}/,
      );
      await rename(host, `${host}-away`);
      expect(await differences()).toEqual(secretDiffers);
      await rename(`${host}-away`, host);
      await put(other, { "etc/app/app.conf": text });
      expect(await differences()).toEqual({});
    });

    it("leaves a template of the user's as it is while the server has what it gives", async () => {
      await role();
      await put(bench.root, {
        "configs/roles/web/files/etc/app/app.conf": "port=80\npassword={{ssm:/web/password}}\n",
        "configs/roles/web/files.yaml":
          "version: 1\npaths:\n  # by hand\n  /etc/app/app.conf: { template: true }\n",
      });
      await bench.git.add(".");
      await bench.git.commit("a template");
      await put(host, { "etc/app/app.conf": text });
      expect(shortcomings(await bench.collect({ findSecrets: findPasswords }))).toBeUndefined();
      expect(await inGit("app.conf")).toContain("{{ssm:/web/password}}");
      expect(await bench.committed("configs/roles/web/files.yaml")).toContain("# by hand");
      await put(host, { "etc/app/app.conf": text.replace("80", "81") });
      const report = await bench.collect({ findSecrets: findPasswords });
      expect(shortcomings(report)?.details[0]).toContain("is not what its template in git gives any more");
    });
  });

  describe("in a work tree that someone works in", () => {
    it("commits nothing of what is staged or lies about", async () => {
      await put(bench.root, {
        "staged.txt": "a",
        "configs/roles/web/files/etc/by-hand": "b",
        "configs/roles/web/files/etc/app/debug.log": "c",
      });
      await bench.git.add("staged.txt");
      await role({ exclude: ["/etc/app/*.log"] });
      await put(bench.root, { "staged.txt": "changed" });
      await bench.git.add("staged.txt");
      await put(bench.root, { "configs/roles/web/files/etc/by-hand": "changed" });
      await bench.collect();
      const changed = (await bench.git.raw(["show", "--name-only", "--format=", "HEAD"])).trim().split("\n");
      expect(changed.map((path) => path.replace("configs/roles/web/", ""))).toEqual([
        "collected.yaml",
        ...(process.getuid?.() === 0 ? [] : ["files.yaml"]),
        "files/etc/app/app.conf",
      ]);
      expect((await bench.git.status()).staged).toEqual(["staged.txt"]);
      expect(await readFile(join(bench.root, "configs/roles/web/files/etc/app/debug.log"), "utf8")).toBe("c");
    });

    it("overwrites nothing that is not committed, and says so", async () => {
      await role();
      await bench.collect();
      await put(bench.root, { "configs/roles/web/files/etc/app/app.conf": "my edit\n" });
      const report = await bench.collect();
      expect(report.refusals[0]!.message).toContain("app.conf would be overwritten and is not committed");
      expect(await readFile(join(bench.root, "configs/roles/web/files/etc/app/app.conf"), "utf8")).toBe(
        "my edit\n",
      );
    });

    it("takes files that the user's git ignores", async () => {
      await put(host, { "etc/app/access.log": "x" });
      await role();
      await bench.collect();
      expect(await inGit("access.log")).toBe("x");
    });

    it("refuses to let git keep other bytes than the server has", async () => {
      await put(host, { "etc/app/dos.conf": "a\r\nb\r\n" });
      await put(bench.root, { ".gitattributes": "* text\n" });
      await role();
      await expect(bench.collect()).rejects.toThrow(".gitattributes would make git keep other bytes");
      await put(bench.root, { ".gitattributes": "* text\nconfigs/roles/*/files/** -text\n" });
      await bench.collect();
      expect(await inGit("dos.conf")).toBe("a\r\nb\r\n");
    });
  });

  it("takes names that look like patterns for names", async () => {
    await put(host, { "etc/app/[a].conf": "1", "etc/app/*": "2", "etc/app/:(top)x": "3", "etc/app/-n": "4" });
    await role();
    await bench.collect();
    expect([await inGit("[a].conf"), await inGit("*"), await inGit(":(top)x"), await inGit("-n")]).toEqual([
      "1",
      "2",
      "3",
      "4",
    ]);
    expect((await bench.collect()).commit).toBeUndefined();
  });

  it("takes a file in the place of a folder, and a folder in the place of a file", async () => {
    await put(host, { "etc/app/a/b": "1", "etc/app/c": "2" });
    await role();
    await bench.collect();
    await rm(join(host, "etc/app/a"), { recursive: true });
    await rm(join(host, "etc/app/c"));
    await put(host, { "etc/app/a": "3", "etc/app/c/d": "4" });
    await bench.collect();
    expect([await inGit("a"), await inGit("c/d")]).toEqual(["3", "4"]);
    expect((await bench.git.status()).isClean()).toBe(true);
  });

  it("says what git says when it can't commit, and goes on from there", async () => {
    const host = await bench.host("web-1", { "etc/a": "1" });
    await bench.role("web", { sources: [{ folder: host, host: "web-1" }], paths: ["/etc"] });
    const hook = join(bench.root, ".git/hooks/pre-commit");
    await put(bench.root, { ".git/hooks/pre-commit": "#!/bin/sh\necho not now >&2\nexit 1\n" });
    await chmod(hook, 0o755);
    await expect(bench.collect()).rejects.toMatchObject({ kind: "tool-failed", details: ["not now"] });
    await rm(hook);
    // As one that is killed in the midst of it leaves it.
    await put(bench.root, { ".git/index.lock": "" });
    expect((await bench.collect()).commit).toBeDefined();
    await put(bench.root, { ".git/index.lock": "" });
    await put(host, { "etc/a": "2" });
    await expect(bench.collect()).rejects.toMatchObject({ kind: "tool-failed" });
  });

  it("announces a commit, and announces it later when that failed", async () => {
    await role();
    const said = join(bench.folder, "said");
    const failing = announceByCommand("echo no such way >&2; exit 3", bench.root);
    await expect(bench.collect({ announce: failing })).rejects.toThrow(
      "the command that announces it exited with 3",
    );
    await bench.collect({
      announce: announceByCommand(`{ echo $REKINDLE_COMMIT; cat; } > ${said}`, bench.root),
    });
    const head = (await bench.git.revparse(["HEAD"])).trim();
    expect(await readFile(said, "utf8")).toMatch(new RegExp(`^${head}\nCollect 1 file of web \\(web-1\\)\n`));
    await rm(said);
    await bench.collect({ announce: announceByCommand(`cat > ${said}`, bench.root) });
    await expect(readFile(said)).rejects.toThrow("ENOENT");
  });

  it("reports a full disk of this machine, and goes on with the others", async () => {
    const other = await bench.host("db-1", { "etc/app/db.conf": "x" });
    await role();
    await bench.role("db", { sources: [{ folder: other, host: "db-1" }], paths: ["/etc/app"] });
    await mkdir(join(bench.root, ".rekindle/collect"), { recursive: true });
    await writeFile(join(bench.root, ".rekindle/collect/x"), "");
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const aside = await import("../../bootstrap/edges/hosts/aside.ts").then(({ openAside }) =>
      openAside(join(bench.root, ".rekindle/collect/aside")),
    );
    const begin = aside.begin;
    aside.begin = async () => {
      const part = await begin();
      return {
        ...part,
        add: async (bytes) => (Buffer.from(bytes).includes("port") ? Promise.reject(full) : part.add(bytes)),
      };
    };
    const report = await bench.collect({ aside });
    expect(report.hosts.map(({ host, failure }) => [host, failure?.kind])).toEqual([
      ["db-1", undefined],
      ["web-1", "disk-full"],
    ]);
    expect(await bench.committed("configs/roles/db/files/etc/app/db.conf")).toBe("x");
  });
});
