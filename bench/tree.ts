import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run, succeeded } from "../bootstrap/edges/process.ts";

/** A repository with the configuration of some roles: text of 1 to 8 KB a file, as configuration has it. */
export async function writeTree(
  repository: string,
  { roles, files }: { roles: number; files: number },
): Promise<void> {
  const random = generator(1);
  await git(repository, "init", "-q");
  for (let index = 0; index < files; index++) {
    const role = `role-${String(index % roles).padStart(2, "0")}`;
    const path = `configs/roles/${role}/files/etc/app/part-${Math.floor(index / roles / 50)}/file-${index}.conf`;
    await write(repository, path, configuration(random, 1024 + Math.floor(random() * 7168)));
  }
  const names = Array.from({ length: roles }, (_, index) => `role-${String(index).padStart(2, "0")}`);
  for (const role of names) await write(repository, `configs/roles/${role}/role.yaml`, roleYaml);
  await write(repository, "cloud-init/templates/server.yaml", "#cloud-config\nhostname: {{server}}\n");
  await write(repository, "cloud-init/boot", "#!/bin/sh\n");
  await write(repository, "configs/environments/bench.yaml", environmentYaml(names));
}

/** A project of one environment `bench` with one role `web`, of which `role` says more. */
export async function writeProject(repository: string, { role }: { role: string }): Promise<void> {
  await git(repository, "init", "-q");
  await write(repository, "configs/roles/web/role.yaml", roleYaml + role);
  await write(repository, "cloud-init/templates/server.yaml", "#cloud-config\nhostname: {{server}}\n");
  await write(repository, "cloud-init/boot", "#!/bin/sh\n");
  await write(repository, "configs/environments/bench.yaml", environmentYaml(["web"]));
  await write(repository, "cdktf.json", '{ "context": { "environment": "bench" } }\n');
  await write(repository, ".gitignore", ".rekindle\n");
}

export async function commit(repository: string, message: string): Promise<void> {
  await git(repository, "add", "--all");
  await git(
    repository,
    "-c",
    "user.name=Bench",
    "-c",
    "user.email=bench@example.com",
    "commit",
    "-q",
    "-m",
    message,
  );
}

async function git(repository: string, ...args: string[]): Promise<void> {
  await mkdir(repository, { recursive: true });
  const finished = await run("git", args, { cwd: repository });
  if (!succeeded(finished)) throw new Error(finished.stderr);
}

async function write(repository: string, path: string, text: string): Promise<void> {
  const full = join(repository, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, text);
}

/** Lines such as daemons read: keys that repeat from file to file, and values that do not. */
export function configuration(random: () => number, bytes: number): string {
  let text = "";
  while (text.length < bytes) {
    const number = Math.floor(random() * 1e9);
    text += `${words[number % words.length]}_${words[(number >> 8) % words.length]} = ${number.toString(36)}\n`;
  }
  return text;
}

const words = [
  "listen",
  "timeout",
  "buffer",
  "cache",
  "worker",
  "client",
  "upstream",
  "log",
  "retry",
  "limit",
];

/** mulberry32: the same tree in every run. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const roleYaml = `version: 1
image: { base: { owner: amazon, name: "image-*" } }
userData: [server.yaml]
health: { kind: tcp, port: 80 }
`;

function environmentYaml(names: readonly string[]): string {
  return `version: 1
name: bench
account: "123456789012"
regions: { primary: eu-west-1, recovery: eu-central-1 }
network:
  primary:
    cidr: 10.10.0.0/16
    zones: { a: { public: 10.10.0.0/20, private: 10.10.16.0/20 } }
  recovery:
    cidr: 10.20.0.0/16
    zones: { a: { public: 10.20.0.0/20, private: 10.20.16.0/20 } }
roles:
${names.map((name) => `  ${name}: { count: 1, instanceType: t3.small }`).join("\n")}
objectives: { rpo: 1h, rto: 15m }
`;
}
