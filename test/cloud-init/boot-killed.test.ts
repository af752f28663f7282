import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { aFile } from "../builders.ts";
import { aBootingServer, type BootingServer, python } from "./booting-server.ts";
import { shells } from "./sandboxed-server.ts";

/**
 * Stops a boot at each of its steps: before every program that the script starts, and inside of Python before every
 * change of a file. What a kill leaves is the disk as it was at that moment, so one boot is watched and its disk kept
 * before each step; steps with equal disks are one. From each disk the next boot must come to the same end as one that
 * was never killed. That a kill does leave that disk is shown with real ones.
 */
const watched = ["mv", "ln", "mkdir", "cp", "rm", "sed", "touch", "systemctl", "gzip", "openssl", "curl"];
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

/** Python with a hook before each change of a file; the hook runs what the programs' wrappers run. */
const hooked = `
import os, runpy, subprocess, sys
changes = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.chown", "os.chmod"}
def hook(event, arguments):
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if event not in changes and not writes or busy:
        return
    busy.append(True)
    if subprocess.call(["/bin/sh", os.environ["AT_STEP"]]) != 0:
        os._exit(137)
    busy.clear()
busy = []
sys.argv = sys.argv[1:]
sys.addaudithook(hook)
runpy.run_path(sys.argv[0], run_name="__main__")
`;

let server: BootingServer;
let start: () => void;
let wanted: Record<string, string>;
/** One a step: the folder with the disk as it was before it. */
let steps: string[];
beforeAll(async () => {
  server = aBootingServer();
  server.identify(await server.publish("r1", before));
  expect(server.boot(shells[0]!).code).toBe(0);
  server.identify(await server.publish("r2", after));
  server.bucket("systemctl", "");
  execFileSync("cp", ["-a", server.root, `${server.root}.start`]);
  start = () => putBack(`${server.root}.start`);
  watch(`mkdir ${kept()}/$n; cp -a ${server.root} ${server.bucketPath}/systemctl ${kept()}/$n`);
  execFileSync("mkdir", [kept()]);
  expect(bootWatched()).toBe(0);
  wanted = disk(server.root);
  steps = readdirSync(kept()).sort((a, b) => Number(a) - Number(b));
});
afterAll(() => server.remove());

test("a boot that was killed at any step is finished by the next one", { timeout: 300_000 }, () => {
  const differing = new Map<string, string>();
  for (const step of steps) {
    const key = JSON.stringify(disk(join(kept(), step)));
    if (!differing.has(key)) differing.set(key, step);
  }
  expect(steps.length).toBeGreaterThan(50);
  expect(differing.size).toBeGreaterThan(25);
  for (const step of differing.values()) {
    putBack(join(kept(), step, "root"));
    server.bucket("systemctl", readFileSync(join(kept(), step, "systemctl")));
    const { code, stderr } = server.boot(shells[0]!);
    expect(stderr, `after a kill at step ${step}`).toBe("rekindle-boot: web runs release r2\n");
    expect(code).toBe(0);
    expect(disk(server.root), `after a kill at step ${step}`).toEqual(wanted);
    expect(server.told()).toContain("restart nginx.service");
  }
});

test("what a kill leaves is what was kept before its step", { timeout: 300_000 }, () => {
  for (let step = 8; step <= steps.length; step += 24) {
    start();
    watch(`[ $n -lt ${step} ] || { kill -9 $BOOT; exit 1; }`);
    expect(bootWatched(), `killed at step ${step}`).toBeNull();
    expect(disk(server.root), `killed at step ${step}`).toEqual(disk(join(kept(), `${step}`, "root")));
  }
});

const kept = () => `${server.root}.kept`;

/** Has some lines of shell run before each step, with its number as `$n`. */
function watch(lines: string): void {
  server.bucket("steps", "");
  const count = `${server.bucketPath}/steps`;
  server.bucket("at-step", `PATH=/usr/bin:/bin; printf x >>${count}; n=$(wc -c <${count}); ${lines}`);
}

/** Boots with the watch on; gives its exit code, none when it was killed. */
function bootWatched(): number | null {
  for (const name of watched) server.wrap(name, "/bin/sh $AT_STEP || exit 137");
  server.bucket("hooked.py", hooked);
  server.program(
    "python3",
    `shift 5; work=$1; shift; exec "${python}" ${server.bucketPath}/hooked.py "$work/tool.py" "$@"`,
  );
  const { code } = server.boot(shells[0]!, "", `export BOOT=$$ AT_STEP=${server.bucketPath}/at-step;`);
  server.unwrap();
  server.program("python3", `exec "${python}" "$@"`);
  return code;
}

/** Everything below a folder: kind, mode, owner, and content or target. */
function disk(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .sort()
      .map((name) => {
        const path = join(folder, name);
        const { mode, uid, gid } = lstatSync(path);
        const kind = mode & 0o170000;
        const holds =
          kind === 0o100000 ? readFileSync(path, "latin1") : kind === 0o120000 ? readlinkSync(path) : "";
        return [name, `${mode.toString(8)} ${uid}:${gid} ${holds}`];
      }),
  );
}

/** Makes the server's disk the one in a folder. */
function putBack(folder: string): void {
  rmSync(server.root, { recursive: true });
  execFileSync("cp", ["-a", folder, server.root]);
}
