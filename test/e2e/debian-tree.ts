import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { run, succeeded } from "../../bootstrap/edges/process.ts";

/** A server's root file system from Debian's packages, with the programs that a server of ours has. */
const packages = [
  "nginx-light",
  "postgresql",
  "openssh-server",
  "curl",
  "openssl",
  "python3",
  "ca-certificates",
];

export interface DebianTree {
  root: string;
  write(path: string, content: string, mode?: number): void;
  read(path: string): string;
  /** Runs a shell's line inside of the tree, with its own /proc. */
  run(line: string): Promise<{ code: number | undefined; stdout: string; stderr: string }>;
  /** Starts the tree's own sshd on a free port of the loopback interface; gives an ssh configuration for `host`. */
  sshd(host: string): Promise<string>;
  stop(): void;
}

/** Makes the tree in a folder, or copies it from the cache where it was made before. Takes root, and a Debian mirror. */
export async function debianTree(
  folder: string,
  cache = resolve(".rekindle/debian-tree.tar"),
): Promise<DebianTree> {
  const root = join(folder, "debian");
  if (!existsSync(cache)) {
    mkdirSync(dirname(cache), { recursive: true });
    await must("mmdebstrap", [
      "--quiet",
      "--mode=root",
      "--variant=minbase",
      // A mirror that lags behind, or a frozen copy of one, is as good for a test.
      '--aptopt=Acquire::Check-Valid-Until "false"',
      `--include=${packages.join(",")}`,
      "stable",
      `${cache}.new`,
      "--format=tar",
    ]);
    await must("mv", [`${cache}.new`, cache]);
  }
  mkdirSync(root, { recursive: true });
  await must("tar", ["-C", root, "--numeric-owner", "-xf", cache]);
  let daemon: ChildProcess | undefined;
  const inside = (line: string) => [
    "--mount",
    "--pid",
    "--fork",
    `--mount-proc=${root}/proc`,
    "chroot",
    root,
    "/bin/sh",
    "-c",
    line,
  ];
  return {
    root,
    write(path, content, mode = 0o644) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
      chmodSync(join(root, path), mode);
    },
    read: (path) => readFileSync(join(root, path), "utf8"),
    async run(line) {
      const { ending, stdout, stderr } = await run("unshare", inside(line), {
        env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
      });
      return { code: ending.kind === "exited" ? ending.code : undefined, stdout, stderr };
    },
    async sshd(host) {
      const port = await freePort();
      const key = join(folder, "id");
      await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
      mkdirSync(join(root, "root/.ssh"), { recursive: true, mode: 0o700 });
      cpSync(`${key}.pub`, join(root, "root/.ssh/authorized_keys"));
      const line = `mkdir -p /run/sshd && ssh-keygen -A >/dev/null && exec /usr/sbin/sshd -D -e -p ${port} -o ListenAddress=127.0.0.1 -o UsePAM=no`;
      daemon = spawn("unshare", ["--kill-child", ...inside(line)], { stdio: "ignore" });
      const config = join(folder, "ssh_config");
      writeFileSync(
        config,
        `Host ${host}\n  HostName 127.0.0.1\n  Port ${port}\n  User root\n  IdentityFile ${key}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${folder}/known_hosts\n  StrictHostKeyChecking accept-new\n`,
      );
      for (let attempt = 0; attempt < 50; attempt++) {
        if (succeeded(await run("ssh", ["-F", config, "-o", "BatchMode=yes", host, "true"]))) return config;
        await new Promise((wake) => setTimeout(wake, 200));
      }
      throw new Error("sshd in the Debian tree does not answer");
    },
    stop() {
      daemon?.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function must(command: string, args: string[]): Promise<void> {
  const finished = await run(command, args);
  if (!succeeded(finished)) throw new Error(`${command} ${args.join(" ")} failed: ${finished.stderr}`);
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}
