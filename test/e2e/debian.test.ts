import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { simpleGit } from "simple-git";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { loadTopology } from "../../bootstrap/config/load.ts";
import { userDataVariables } from "../../bootstrap/config/user-data.ts";
import { gitRepository } from "../../bootstrap/edges/git.ts";
import { run } from "../../bootstrap/edges/process.ts";
import { roleSources } from "../../bootstrap/release/sources.ts";
import { renderTemplate } from "../../cloud-init/render.ts";
import { recovery } from "../builders.ts";
import { publishIn, testField } from "../commands/field.ts";
import { shopFiles } from "../config/builders.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { type DebianTree, debianTree } from "./debian-tree.ts";

/**
 * The whole loop on a real Debian with a real nginx and PostgreSQL: a live server's configuration is collected over a
 * real sshd, committed, published and signed; the server's is wiped, and its boot script brings it back.
 */
const canRun = process.getuid?.() === 0 && spawnSync("mmdebstrap", ["--version"]).status === 0;
const sandbox = runningSandbox();
const folder = mkdtempSync(join(tmpdir(), "rekindle-debian-"));
let server: DebianTree;
beforeAll(async () => {
  if (canRun) server = await debianTree(folder);
}, 600_000);
afterAll(() => server?.stop());

test.runIf(canRun)(
  "a server's configuration comes back as it was: content, owners, modes, links",
  { timeout: 600_000 },
  async () => {
    customize(server);
    const project = join(folder, "project");
    await makeProject(project);

    const sshConfig = await server.sshd("web-0");
    const collected = await run(
      process.execPath,
      [resolve("bin/rekindle.js"), "collect", "web", "--ssh-config", sshConfig],
      { cwd: project },
    );
    expect(collected.stderr + collected.stdout).not.toMatch(/failed/);
    expect(collected.ending).toEqual({ kind: "exited", code: 0 });
    expect((await simpleGit(project).log()).latest?.message).toContain("web-0");

    const files = await gitRepository(project).files("HEAD", ["configs", "cloud-init"]);
    const loaded = loadTopology(files, "shop");
    if (loaded.kind === "faulty") throw new Error(JSON.stringify(loaded.faults));
    const { topology } = loaded;
    const field = await testField(sandbox(), topology);
    const commit = await gitRepository(project).resolve("HEAD");
    await publishIn(field, { commit, sources: roleSources(topology, files) } as never);

    // There is no instance role here.
    const asServer = `AWS_ENDPOINT_URL=${sandbox().endpoint} AWS_EC2_METADATA_DISABLED=true AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test`;
    await giveIdentity(server, field);
    const before = listing(server, "etc/nginx", "etc/postgresql");
    expect(before.length).toBeGreaterThan(30);
    expect(await server.run("rm -rf /etc/nginx /etc/postgresql && nginx -t")).toMatchObject({ code: 1 });

    const booted = await server.run(`${asServer} /usr/local/sbin/rekindle-boot`);
    expect(booted.stderr).toMatch(/rekindle-boot: web-0 runs release /);
    expect(booted.code).toBe(0);
    expect(listing(server, "etc/nginx", "etc/postgresql")).toEqual(before);
    expect(await server.run("nginx -t")).toMatchObject({ code: 0 });
    const check = await server.run(`${asServer} /usr/local/sbin/rekindle-boot --check`);
    expect(JSON.parse(check.stdout)).toMatchObject({ drift: [] });
    const shell = {
      ...process.env,
      AWS_ENDPOINT_URL: sandbox().endpoint,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    };
    const rekindle = (...args: string[]) =>
      run(process.execPath, [resolve("bin/rekindle.js"), ...args], { cwd: project, env: shell });
    const drift = await rekindle("drift", "web", "--ssh-config", sshConfig);
    expect(drift.stdout + drift.stderr).toContain("web-0");
    expect(drift.ending).toEqual({ kind: "exited", code: 0 });
    await server.run("echo '# by hand' >> /etc/nginx/nginx.conf");
    const drifted = await rekindle("drift", "web", "--ssh-config", sshConfig);
    expect(drifted.stdout).toContain("/etc/nginx/nginx.conf");
    expect(drifted.ending).toEqual({ kind: "exited", code: 1 });
    expect(await server.run(`${asServer} /usr/local/sbin/rekindle-boot`)).toMatchObject({ code: 0 });
    const again = await run(
      process.execPath,
      [resolve("bin/rekindle.js"), "collect", "web", "--ssh-config", sshConfig],
      { cwd: project },
    );
    expect(again.ending).toEqual({ kind: "exited", code: 0 });
    expect(await gitRepository(project).resolve("HEAD")).toBe(commit);
  },
);

/** What administrators do to a server: sites, links, owners and modes of their own. */
function customize({ write, root }: DebianTree): void {
  write("etc/nginx/sites-available/shop", "server { listen 8088; location / { return 200 'shop'; } }\n");
  write("etc/nginx/conf.d/limits and more.conf", "client_max_body_size 8m;\n", 0o640);
  spawnSync("ln", ["-s", "/etc/nginx/sites-available/shop", `${root}/etc/nginx/sites-enabled/shop`]);
  spawnSync("chroot", [root, "chown", "www-data:adm", "/etc/nginx/conf.d/limits and more.conf"]);
  spawnSync("chroot", [root, "sh", "-c", "echo 'work_mem = 8MB' >> /etc/postgresql/*/main/postgresql.conf"]);
}

async function makeProject(project: string): Promise<void> {
  const role = {
    version: 1,
    image: { base: { owner: "amazon", name: "image-*" } },
    userData: ["server.yaml"],
    loadBalancer: { listenPort: 80, targetPort: 80 },
    health: { kind: "command", command: "nginx -t", timeout: "10s" },
    collect: { sources: [{ ssh: "web-0" }], paths: ["/etc/nginx/**", "/etc/postgresql/**"] },
  };
  const files = new Map(shopFiles());
  files.set("configs/roles/web/role.yaml", { content: Buffer.from(JSON.stringify(role)), mode: "0644" });
  for (const [path, { content }] of files) {
    mkdirSync(join(project, path, ".."), { recursive: true });
    writeFileSync(join(project, path), content);
  }
  for (const path of ["cloud-init/boot", "cloud-init/templates/server.yaml", "cdktf.json"])
    cpSync(path, join(project, path));
  const git = simpleGit(project);
  await git.init().addConfig("user.name", "Test").addConfig("user.email", "test@example.com");
  await git.add(".").commit("first");
}

/** What golden image and user-data give a server: the boot script, the trusted key, its identity. */
async function giveIdentity(
  { write }: DebianTree,
  { topology, cloud, shared }: Awaited<ReturnType<typeof testField>>,
): Promise<void> {
  const { pointer } = (await cloud.recovery.catalog.pointer())!;
  const { manifest } = pointer.sites[recovery]!;
  const variables = userDataVariables(
    topology,
    { site: "recovery", region: recovery, release: pointer, manifest },
    { role: "web", server: "web-0" },
  );
  const userData = parse(
    renderTemplate(readFileSync("cloud-init/templates/server.yaml", "utf8"), { ...variables, databases: "" }),
  );
  write(userData.write_files[0].path.slice(1), userData.write_files[0].content);
  write("usr/local/sbin/rekindle-boot", readFileSync("cloud-init/boot", "utf8"), 0o755);
  for (const { id, pem } of shared.trusted) write(`etc/rekindle/keys/${id}.pem`, pem);
}

/** Every path below some folders: kind, mode, owner, and content or target. */
function listing({ root }: DebianTree, ...folders: string[]): string[] {
  const describe = (path: string): string => {
    const { mode, uid, gid } = lstatSync(join(root, path));
    const owned = `${path} ${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
    if ((mode & 0o170000) === 0o120000) return `${path} ${uid}:${gid} -> ${readlinkSync(join(root, path))}`;
    if ((mode & 0o170000) === 0o040000) return `${owned} directory`;
    return `${owned} ${createHash("sha256")
      .update(readFileSync(join(root, path)))
      .digest("hex")}`;
  };
  return folders
    .flatMap((path) => [
      path,
      ...readdirSync(join(root, path), { recursive: true, encoding: "utf8" }).map((inner) =>
        join(path, inner),
      ),
    ])
    .map(describe)
    .sort();
}
