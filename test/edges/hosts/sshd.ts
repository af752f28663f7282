import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { run } from "../../../bootstrap/edges/process.ts";

/** The system's sshd, where it is; tests that log in are left out elsewhere. */
export const sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find(existsSync);

/** A real sshd on loopback, with keys and a configuration of its own; nothing of this machine's is used. */
export interface TestServer {
  port: number;
  /** A file for ssh's -F, where each of the names is this server. */
  clientConfig: string;
  /** Gives the server another host key, as a rebuild does. */
  changeHostKey(): Promise<void>;
  /** Lets nobody in any more. */
  revokeAccess(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSshd(folder: string, names: readonly string[]): Promise<TestServer> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir("/run/sshd", { recursive: true }).catch(() => undefined);
  const file = (name: string) => join(folder, name);
  await keygen(file("client"));
  await keygen(file("host"));
  await keygen(file("other"));
  await writeFile(file("authorized"), await readFile(file("client.pub")), { mode: 0o600 });
  const port = await freePort();
  let server: ChildProcess | undefined;
  const start = async (hostKey: string) => {
    await writeFile(
      file("sshd_config"),
      [
        `Port ${port}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${file(hostKey)}`,
        `PidFile ${file("pid")}`,
        `AuthorizedKeysFile ${file("authorized")}`,
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
        "MaxStartups 200",
        "",
      ].join("\n"),
    );
    server = spawn(sshd!, ["-D", "-e", "-f", file("sshd_config")], { stdio: "ignore" });
    await answers(port);
  };
  const end = async () => {
    const gone = new Promise((resolve) => server?.once("exit", resolve));
    server?.kill("SIGTERM");
    await gone;
  };
  await start("host");
  const [type, key] = (await readFile(file("host.pub"), "utf8")).split(" ");
  await writeFile(file("known_hosts"), `[127.0.0.1]:${port} ${type} ${key}\n`);
  await writeFile(
    file("ssh_config"),
    [
      `Host ${names.join(" ")}`,
      "  HostName 127.0.0.1",
      `  Port ${port}`,
      "Host *",
      `  User ${userInfo().username}`,
      `  IdentityFile ${file("client")}`,
      "  IdentitiesOnly yes",
      `  UserKnownHostsFile ${file("known_hosts")}`,
      "",
    ].join("\n"),
  );
  await chmod(file("client"), 0o600);
  return {
    port,
    clientConfig: file("ssh_config"),
    async changeHostKey() {
      await end();
      await start("other");
    },
    revokeAccess: () => writeFile(file("authorized"), ""),
    stop: end,
  };
}

async function keygen(path: string): Promise<void> {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path]);
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const { ending } = await run("ssh-keyscan", ["-T", "1", "-p", String(port), "127.0.0.1"]);
    if (ending.kind === "exited" && ending.code === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
