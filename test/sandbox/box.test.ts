import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBox } from "../../sandbox/bodies/box/engine.ts";
import { engineContract } from "../contracts/engine.ts";
import { lackingForBox } from "./box-lacking.ts";
import { descendants, isAlive } from "./descendants.ts";

const lacking = lackingForBox();
const cache = resolve(".rekindle");
const folder = mkdtempSync(join(tmpdir(), "rekindle-box-"));
const relayScript = join(folder, "relay.mjs");
// Below the program's own folder, where it finds the rest of itself.
const gatewayScript = join(cache, `box-gateway-${process.pid}.mjs`);

if (lacking) describe("the engine box", () => it.skip(`is not tested here: ${lacking}`, () => undefined));
else {
  beforeAll(async () => {
    const bundled = { bundle: true, format: "esm", platform: "node", target: "node20" } as const;
    await build({ ...bundled, entryPoints: ["sandbox/bodies/relay/main.ts"], outfile: relayScript });
    await build({ ...bundled, entryPoints: ["test/sandbox/box-gateway.ts"], outfile: gatewayScript });
  });
  afterAll(() => {
    for (const path of [folder, gatewayScript]) rmSync(path, { recursive: true, force: true });
  });

  engineContract("box", {
    bootLimitMs: 120_000,
    open: (disks) => openBox({ folder: disks, cache, relayScript }),
  });

  describe("the engine box, killed with a machine whose volume is frozen", () => {
    it.each(["SIGKILL", "SIGTERM"] as const)("leaves nothing after %s", {
      timeout: 120_000,
    }, async (signal) => {
      const disks = join(folder, signal);
      const gateway = spawn(
        process.execPath,
        [gatewayScript, disks, cache, relayScript, join(folder, "console")],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      const said = once(gateway.stdout.setEncoding("utf8"), "data") as Promise<[string]>;
      const ended = once(gateway, "exit").then(() => ["it ended"]);
      expect(await Promise.race([said, ended])).toEqual(["ready \n"]);
      const processes = descendants(gateway.pid!);
      expect(processes.length).toBeGreaterThan(4);
      expect(loopDevices(disks)).toHaveLength(1);
      expect(groupsOf(gateway.pid!)).toHaveLength(1);

      gateway.kill(signal);
      const left = () => [...processes.filter(isAlive), ...loopDevices(disks), ...groupsOf(gateway.pid!)];
      for (let waited = 0; left().length > 0 && waited < 15_000; waited += 100)
        await new Promise((wake) => setTimeout(wake, 100));
      expect(left()).toEqual([]);
      expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(folder);
      // What is on the disk is whole: the file system can be checked, and the folder removed.
      rmSync(disks, { recursive: true });
    });
  });

  it("removes the control groups that a killed keeper of devices has left", async () => {
    const keeper = (run: string) =>
      spawn("python3", ["-I", "sandbox/bodies/box/devices.py", run], { stdio: ["pipe", "pipe", "inherit"] });
    const own = `${process.pid}-killed`;
    const killed = keeper(own);
    killed.stdin.write(`${JSON.stringify({ id: 1, act: "confine", with: { server: "one" } })}\n`);
    await once(killed.stdout, "data");
    expect(groupsOf(own)).toHaveLength(1);
    killed.kill("SIGKILL");
    await once(killed, "exit");
    const next = keeper(`${process.pid}-next`);
    next.stdin.end();
    await once(next, "exit");
    expect(groupsOf(own)).toEqual([]);
  });
}

/** The control groups of servers, by who made them. */
function groupsOf(run: number | string): string[] {
  const found = spawnSync("find", ["/sys/fs/cgroup", "-maxdepth", "6", "-name", `rekindle-box-${run}-*`]);
  return found.stdout
    .toString()
    .split("\n")
    .filter((path) => path !== "");
}

/** The files behind this computer's loop devices, of those below a folder. */
function loopDevices(below: string): string[] {
  const files = readdirSync("/sys/block").map((name) => `/sys/block/${name}/loop/backing_file`);
  return files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8").trim())
    .filter((path) => path.startsWith(below));
}
