import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run, succeeded } from "../bootstrap/edges/process.ts";
import { type Cost, measure } from "./measure.ts";
import type { Row } from "./table.ts";
import { commit, configuration, generator, writeProject } from "./tree.ts";

/** Collecting from many hosts, all of them a real sshd on the loopback interface, beside `rsync` for each in turn. */
export async function collecting(hosts: number): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-bench-collect-"));
  const tree = join(folder, "tree");
  const random = generator(3);
  await mkdir(tree);
  for (let index = 0; index < 100; index++)
    await writeFile(
      join(tree, `part-${index}.conf`),
      configuration(random, 1024 + Math.floor(random() * 4096)),
    );
  const names = Array.from({ length: hosts }, (_, index) => `host-${String(index).padStart(2, "0")}`);
  const { config, stop } = await sshd(folder, names);
  try {
    const project = join(folder, "project");
    const sources = names.map((name) => `{ ssh: ${name} }`).join(", ");
    await writeProject(project, { role: `collect: { sources: [${sources}], paths: [${tree}/*] }\n` });
    await commit(project, "first");
    const env = {
      GIT_AUTHOR_NAME: "Bench",
      GIT_AUTHOR_EMAIL: "bench@example.com",
      GIT_COMMITTER_NAME: "Bench",
      GIT_COMMITTER_EMAIL: "bench@example.com",
    };
    const rsync = names
      .map((name) => `rsync -a -e 'ssh -F ${config}' ${name}:${tree}/ ${folder}/copies/${name}/`)
      .join("\n");
    await mkdir(join(folder, "copies"));
    const tools: Record<string, () => Promise<Cost>> = {
      rekindle: () =>
        measure([process.execPath, resolve("bin/rekindle.js"), "collect", "web", "--ssh-config", config], {
          cwd: project,
          env,
        }),
      "rsync in turn": () => measure(["sh", "-ec", rsync], { env }),
    };
    const all = async () => {
      const costs: Record<string, Cost> = {};
      for (const [name, tool] of Object.entries(tools)) costs[name] = await tool();
      return costs;
    };
    const first = await all();
    await writeFile(join(tree, "part-7.conf"), "changed = 1\n");
    return [
      { what: `${hosts} hosts of 100 files, first`, costs: first },
      { what: `${hosts} hosts of 100 files, one changed`, costs: await all() },
    ];
  } finally {
    stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function sshd(folder: string, hosts: readonly string[]): Promise<{ config: string; stop: () => void }> {
  const port = await freePort();
  for (const name of ["host_key", "id"]) {
    const made = await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
    if (!succeeded(made)) throw new Error(made.stderr);
  }
  await mkdir("/run/sshd", { recursive: true });
  await writeFile(
    join(folder, "sshd_config"),
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${folder}/host_key\nAuthorizedKeysFile ${folder}/id.pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nMaxStartups 100\nPidFile none\n`,
  );
  const daemon = spawn("/usr/sbin/sshd", ["-D", "-f", join(folder, "sshd_config")], { stdio: "ignore" });
  const config = join(folder, "ssh_config");
  const entry = (name: string) =>
    `Host ${name}\n  HostName 127.0.0.1\n  Port ${port}\n  User ${process.env.USER || "root"}\n  IdentityFile ${folder}/id\n  IdentitiesOnly yes\n  UserKnownHostsFile ${folder}/known_hosts\n  StrictHostKeyChecking accept-new\n`;
  await writeFile(config, hosts.map(entry).join(""));
  for (let attempt = 0; attempt < 50; attempt++) {
    if (succeeded(await run("ssh", ["-F", config, "-o", "BatchMode=yes", hosts[0]!, "true"]))) break;
    await run("sleep", ["0.2"]);
  }
  return { config, stop: () => daemon.kill() };
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}
