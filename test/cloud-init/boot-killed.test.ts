import { execFileSync } from "node:child_process";
import { readdirSync, readlinkSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { aFile } from "../builders.ts";
import { aBootingServer, type BootingServer, python } from "./booting-server.ts";
import { shells } from "./sandboxed-server.ts";

/**
 * Kills a boot at each of its steps: before every program that the script starts, and inside of Python before every
 * change of a file. The next boot must come to the same end as one that was never killed.
 */
const counted = ["mv", "ln", "mkdir", "cp", "rm", "systemctl", "gzip", "openssl", "curl"];
const owned = { owner: "root", group: "root" };
const before: TreeEntry[] = [
  aFile("etc/a", "one"),
  aFile("etc/gone", "x"),
  { kind: "link", path: "etc/l", target: "a", ...owned },
];
const after: TreeEntry[] = [
  aFile("etc/a", "two", "0600"),
  { ...aFile("etc/t", "{{role}}"), template: true } as TreeEntry,
  { kind: "link", path: "etc/l", target: "t", ...owned },
  { kind: "directory", path: "etc/d", mode: "0750", ...owned },
];

/** Python with a hook that ends it, and the shell that started it, before its n-th change of a file. */
const killer = `
import os, runpy, sys
counter, limit = os.environ["KILL_COUNT"], int(os.environ["KILL_AT"])
changes = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.chown", "os.chmod"}
def hook(event, arguments):
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if event not in changes and not writes or busy:
        return
    busy.append(True)
    with open(counter, "a") as file: file.write("x")
    if os.path.getsize(counter) == limit:
        os.kill(int(os.environ["KILL_PID"]), 9)
        os._exit(137)
    busy.clear()
busy = []
sys.argv = sys.argv[1:]
sys.addaudithook(hook)
runpy.run_path(sys.argv[0], run_name="__main__")
`;

async function aServerOnTheWay(): Promise<BootingServer> {
  const server = aBootingServer();
  server.identify(await server.publish("r1", before));
  expect(server.boot(shells[0]!).code).toBe(0);
  server.identify(await server.publish("r2", after));
  server.bucket("systemctl", "");
  return server;
}

/** Boots, and is killed at the given step; false when there are fewer steps. */
function bootKilledAt(server: BootingServer, step: number): boolean {
  const count = `${server.bucketPath}/steps`;
  server.bucket("steps", "");
  for (const name of counted) {
    server.wrap(
      name,
      `printf x >> ${count}; if [ $(wc -c < ${count}) -eq ${step} ]; then kill -9 $KILL_PID; exit 137; fi`,
    );
  }
  server.file("../root-bucket/killer.py", killer);
  server.program("python3", `shift; exec "${python}" ${server.bucketPath}/killer.py "$@"`);
  const environment = `export KILL_PID=$$ KILL_AT=${step} KILL_COUNT=${count};`;
  const { code } = server.boot(shells[0]!, "", environment);
  server.unwrap();
  server.program("python3", `exec "${python}" "$@"`);
  return code !== 0;
}

function state(server: BootingServer): Record<string, string> {
  const links = readdirSync(server.root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => [
      `${entry.parentPath.slice(server.root.length)}/${entry.name}`,
      readlinkSync(`${entry.parentPath}/${entry.name}`),
    ]);
  return { ...server.contents(), ...Object.fromEntries(links) };
}

test("a boot that was killed at any step is finished by the next one", { timeout: 600_000 }, async () => {
  const server = await aServerOnTheWay();
  const again = saved(server.root, server.bucketPath);
  expect(server.boot(shells[0]!).code).toBe(0);
  const wanted = state(server);
  let step = 1;
  for (again(); bootKilledAt(server, step); again()) {
    const { code, stderr } = server.boot(shells[0]!);
    expect(stderr, `after a kill at step ${step}`).toBe("rekindle-boot: web runs release r2\n");
    expect(code).toBe(0);
    expect(state(server), `after a kill at step ${step}`).toEqual(wanted);
    expect(server.told()).toContain("restart nginx.service");
    step++;
  }
  expect(step).toBeGreaterThan(30);
  server.remove();
});

/** Keeps folders as they are now; gives what brings them back to that. */
function saved(...folders: string[]): () => void {
  for (const folder of folders) execFileSync("cp", ["-a", folder, `${folder}.saved`]);
  return () => {
    for (const folder of folders) {
      rmSync(folder, { recursive: true });
      execFileSync("cp", ["-a", `${folder}.saved`, folder]);
    }
  };
}
