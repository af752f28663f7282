import { chmod, link, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shortcomings } from "../../bootstrap/commands/collect.ts";
import { freePort, sshd, startSshd, type TestServer } from "../edges/hosts/sshd.ts";
import { aBench, type Bench, put } from "./collecting.ts";

describe.skipIf(sshd === undefined)("collect over ssh", () => {
  let bench: Bench;
  let server: TestServer;
  let etc = "";

  beforeEach(async () => {
    bench = await aBench();
    etc = await bench.host("web-1", { "nginx/nginx.conf": "events {}\n" });
    server = await startSshd(join(bench.folder, "sshd"), ["web-1", "web-2"]);
    await bench.role("web", { sources: [{ ssh: "web-1" }], paths: [`${etc}/**`] });
  });
  afterEach(async () => {
    await server.stop();
    await bench.remove();
  });

  const run = (changes = {}) => bench.collect({ sshConfig: server.clientConfig, ...changes });
  const inGit = (path: string) => bench.committed(`configs/roles/web/files${etc}/${path}`);

  it("makes one commit that names host and files, and the next run none", async () => {
    const report = await run();
    expect(shortcomings(report)).toBeUndefined();
    expect(await inGit("nginx/nginx.conf")).toBe("events {}\n");
    expect(await bench.git.raw(["log", "-1", "--format=%B"])).toContain(`added ${etc}/nginx/nginx.conf`);
    expect((await bench.git.raw(["log", "-1", "--format=%s"])).trim()).toBe("Collect 1 file of web (web-1)");
    const before = await bench.commits();
    expect((await run()).commit).toBeUndefined();
    expect(await bench.commits()).toBe(before);
  });

  it("commits a changed, a new and a removed file", async () => {
    await put(etc, { old: "x" });
    await run();
    await put(etc, { "nginx/nginx.conf": "changed\n", "with spaces": "y" });
    await rm(join(etc, "old"));
    await run();
    expect(await inGit("nginx/nginx.conf")).toBe("changed\n");
    expect(await inGit("with spaces")).toBe("y");
    expect(await inGit("old")).toBeUndefined();
  });

  it("names in its message whose owner or mode changed", async () => {
    await run();
    await chmod(join(etc, "nginx/nginx.conf"), 0o640);
    await run();
    const message = await bench.git.raw(["log", "-1", "--format=%B"]);
    expect(message).toMatch(/^Collect other changes of web \(web-1\)\n/);
    expect(message).toContain(`${etc}/nginx/nginx.conf has mode 0640`);
    await chmod(join(etc, "nginx/nginx.conf"), 0o644);
    await run();
    expect(await bench.git.raw(["log", "-1", "--format=%B"])).toContain("nginx.conf has usual attributes");
  });

  it("keeps owners, modes, links and empty folders; packages and units beside them", async () => {
    await chmod(join(etc, "nginx/nginx.conf"), 0o640);
    await put(etc, { tool: "#!/bin/sh\n" });
    await chmod(join(etc, "tool"), 0o755);
    await symlink("/etc/passwd", join(etc, "outside"));
    await mkdir(join(etc, "empty"));
    await link(join(etc, "tool"), join(etc, "hard"));
    await run();
    const attributes = (await bench.committed("configs/roles/web/files.yaml"))!;
    expect(attributes).toMatch(/nginx\.conf: \{ mode: "0640"/);
    expect(attributes).toMatch(/\/empty: \{ kind: directory/);
    expect(attributes).not.toContain("/tool:");
    const tree = await bench.git.raw(["ls-tree", "-r", "HEAD"]);
    expect(tree).toMatch(/^120000 .*\/outside$/m);
    expect(tree).toMatch(/^100755 .*\/tool$/m);
    expect(tree).toMatch(/^100755 .*\/hard$/m);
    expect(await inGit("outside")).toBe("/etc/passwd");
    expect(await bench.committed("configs/roles/web/collected.yaml")).toMatch(
      /packages:\n(?: +- \S+ \S+\n)+/,
    );
  });

  it("refuses names that git can't carry by name, and keeps the rest", async () => {
    await writeFile(join(etc, "new\nline"), "x");
    await writeFile(Buffer.concat([Buffer.from(`${etc}/bad`), Buffer.from([0xff])]), "x");
    await put(etc, { ".git/config": "x" });
    const report = await run();
    expect(report.hosts[0]!.leftOut.map(({ path, reason }) => `${path} ${reason}`).sort()).toEqual([
      `${etc}/.git lies in or is .git, by which git would rule itself`,
      `${etc}/bad\\xff has a name that is not UTF-8`,
      `${etc}/new\\x0aline has a name that holds a control character`,
    ]);
    expect(shortcomings(report)?.message).toContain("3 paths were left out");
    expect(await inGit("nginx/nginx.conf")).toBe("events {}\n");
  });

  it("says that a host key changed, and keeps the last good copy", async () => {
    await run();
    await put(etc, { "nginx/nginx.conf": "changed\n" });
    await server.changeHostKey();
    const report = await run();
    expect(report.hosts[0]!.failure?.kind).toBe("host-key-changed");
    expect(shortcomings(report)?.details[0]).toMatch(/^web: web-1: its host key changed; .*ssh-keygen -R/);
    expect(await inGit("nginx/nginx.conf")).toBe("events {}\n");
  });

  it("says that it gets no access, and commits the other role's hosts", async () => {
    await server.revokeAccess();
    const other = await bench.host("db-1", { "etc/db.conf": "x" });
    await bench.role("db", { sources: [{ folder: other, host: "db-1" }], paths: ["/etc"] });
    const report = await run();
    expect(report.hosts.find(({ host }) => host === "web-1")!.failure?.kind).toBe("no-access");
    expect(shortcomings(report)?.message).toContain("1 of 2 hosts were not collected");
    expect(await bench.committed("configs/roles/db/files/etc/db.conf")).toBe("x");
  });

  it("gives up on a host that accepts and says nothing, and on one that refuses", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as { port: number };
    await bench.role("web", {
      sources: [{ ssh: `127.0.0.1:${port}` }, { ssh: `127.0.0.1:${await freePort()}` }],
      paths: [etc],
    });
    const report = await run({ timeoutMs: 2_000 });
    expect(report.hosts.map(({ failure }) => failure?.kind)).toEqual(["timeout", "refused"]);
    silent.close();
  });

  it("keeps a file of 100 MB whole", async () => {
    const part = Buffer.alloc(1024 * 1024, "0123456789abcde\n");
    await writeFile(join(etc, "large"), Buffer.concat(Array.from({ length: 100 }, () => part)));
    await run();
    const id = (await bench.git.raw(["rev-parse", `HEAD:configs/roles/web/files${etc}/large`])).trim();
    expect((await bench.git.raw(["cat-file", "-s", id])).trim()).toBe(String(100 * 1024 * 1024));
    expect(await readdir(join(bench.root, `configs/roles/web/files${etc}`))).toEqual(["large", "nginx"]);
  });
});
