import { spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type Finished, succeeded } from "../../../bootstrap/edges/process.ts";
import { bodyEnvironment, hardwareAddress } from "../addresses.ts";
import { openAgent } from "./agent.ts";
import { type Computer, qemuArguments, type VolumeFile, volumeDevice, volumeNode } from "./hardware.ts";
import { openMonitor } from "./monitor.ts";
import { carryFrames } from "./network/frame-stream.ts";
import type { Router } from "./network/router.ts";
import { whileHeld } from "./programs.ts";

/** A machine's QEMU, which ends with the gateway. */
export interface Running {
  readonly stopped: Promise<void>;
  exec(script: string, timeoutMs?: number): Promise<Finished>;
  powerOff(): Promise<void>;
  kill(): void;
  plug(volume: VolumeFile): Promise<void>;
  unplug(name: string): Promise<void>;
  /** Runs `act` while the machine stands still, with everything written that it has given to its disks. */
  whileStill<T>(act: () => Promise<T>): Promise<T>;
}

export interface Parts extends Computer {
  router: Router;
}

/** How long a machine may take to shut down before it is killed: clients of EC2 ask again after 30 s without an answer. */
const shutdownLimitMs = 20_000;
/** The same for one that has not booted so far that it would see its power button. */
const bootingLimitMs = 4_000;
const pressAgainMs = 4_000;
const detachLimitMs = 60_000;

export async function startMachine(parts: Parts): Promise<Running> {
  const { machine, hardware, router } = parts;
  const mac = hardwareAddress(machine.address);
  const [command, args] = whileHeld(hardware.emulator.program, ...qemuArguments(parts, mac));
  const child = spawn(command, args, { stdio: ["pipe", "ignore", "pipe", "pipe", "pipe", "pipe"] });
  child.stdin!.on("error", () => undefined);
  const kill = () => void child.stdin!.destroy();
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-4096);
  });
  let running = true;
  const stopped = new Promise<void>((resolve) => {
    const end = (reason = "") => {
      running = false;
      said += reason;
      resolve();
    };
    child.once("error", (error) => end(error.message));
    child.once("close", () => end());
  });
  const [, , , frames, agentSocket, monitorSocket] = child.stdio as unknown as Duplex[];
  const plug = router.plug(machine.address, macBytes(mac), (frame) => sendFrame(frame));
  const sendFrame = carryFrames(frames!, (frame) => plug.receive(frame));
  void stopped.then(() => plug.unplug());
  const agent = openAgent(agentSocket!, machine.id, stopped);
  const monitor = await openMonitor(monitorSocket!, stopped).catch(() => {
    throw new Error(`machine ${machine.id} did not start: ${said.trim()}`);
  });
  monitor.on("VSERPORT_CHANGE", ({ open }) => agent.listens(open === true));
  monitor.on("RESET", ({ guest }) => {
    if (guest === true) {
      agent.listens(false);
      plug.reset();
    }
  });
  const deleted = new Map<unknown, () => void>();
  monitor.on("DEVICE_DELETED", ({ device }) => deleted.get(device)?.());

  const exec = async (script: string, timeoutMs?: number) => {
    if (!running) throw new Error(`machine ${machine.id} does not run`);
    const environment = { ...bodyEnvironment, HOME: "/root" };
    return timeoutMs === undefined
      ? await agent.run("/bin/sh", ["-c", script], environment)
      : await agent.run(
          "/usr/bin/timeout",
          ["-s", "KILL", String(timeoutMs / 1000), "/bin/sh", "-c", script],
          environment,
        );
  };

  return {
    stopped,
    exec,
    async powerOff() {
      const limitMs = agent.isListening() ? shutdownLimitMs : bootingLimitMs;
      const force = setTimeout(kill, limitMs);
      while (running) {
        await monitor.execute("system_powerdown").catch(() => undefined);
        await Promise.race([stopped, sleep(pressAgainMs)]);
      }
      clearTimeout(force);
    },
    kill,
    async plug(volume) {
      await monitor.execute("blockdev-add", volumeNode(volume));
      try {
        await monitor.execute("device_add", volumeDevice(volume));
      } catch (error) {
        await monitor.execute("blockdev-del", { "node-name": volume.name });
        throw error;
      }
      // One that boots finds it there.
      if (agent.isListening()) await exec(`udevadm wait --timeout=30 /dev/${volume.name}`);
    },
    async unplug(name) {
      const use = await exec(whoUses(name));
      if (!succeeded(use)) throw new Error(use.stdout.trim() || use.stderr.trim());
      const late = new AbortController();
      const isGone = new Promise<boolean>((resolve) => deleted.set(name, () => resolve(true)));
      await monitor.execute("device_del", { id: name });
      const limit = sleep(detachLimitMs, false, { signal: late.signal }).catch(() => false);
      const gone = await Promise.race([isGone, stopped.then(() => true), limit]);
      late.abort();
      deleted.delete(name);
      if (!gone) throw new Error(`the machine does not let go of it within ${detachLimitMs / 1000} s`);
      if (!running) return;
      await monitor.execute("blockdev-del", { "node-name": name });
      await exec("udevadm settle --timeout=30");
    },
    async whileStill(act) {
      // One that ends meanwhile is still all the more.
      await monitor.execute("stop").catch(() => undefined);
      try {
        return await act();
      } finally {
        await monitor.execute("cont").catch(() => undefined);
      }
    },
  };
}

/** Says who uses a disk, and fails then: QEMU would pull it out from under a file system. */
function whoUses(name: string): string {
  return `
disk=$(readlink -e /dev/${name}) || exit 0
places=$(lsblk -nro MOUNTPOINTS "$disk" | sed 's/\\\\x0a/ /g' | grep . | sort -u | tr '\\n' ' ')
[ -z "$places" ] || { echo "it is mounted on $places"; exit 1; }
holders=$(ls "/sys/class/block/\${disk##*/}/holders" | tr '\\n' ' ')
[ -z "$holders" ] || { echo "it is in use by $holders"; exit 1; }
`;
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(":", ""), "hex");
}
