import { spawn } from "node:child_process";
import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describeEnding, type Finished, run, succeeded } from "../../../bootstrap/edges/process.ts";
import { bodyEnvironment } from "../addresses.ts";
import type { Machine } from "../engine.ts";
import { ConsoleFile } from "./console-file.ts";
import type { Network } from "./network.ts";
import { endingWithUs, program } from "./programs.ts";

/** A machine's processes, in namespaces of their own. They end with the gateway, and so does everything they mounted. */
export interface Running {
  readonly stopped: Promise<void>;
  exec(script: string, timeoutMs?: number): Promise<Finished>;
  shell(): [command: string, ...args: string[]];
  powerOff(): Promise<void>;
  kill(): void;
  /** Makes a volume's device appear, or disappear. */
  show(device: string, loop: number): Promise<void>;
  hide(device: string, loop: number): Promise<void>;
  /** Runs `act` while none of the machine's processes run. */
  whileStill<T>(act: () => Promise<T>): Promise<T>;
}

export interface Parts {
  machine: Machine;
  /** The root disk's folder. */
  rootFolder: string;
  engineLayer: string;
  /** Loop devices by the name of the volume. */
  loops: ReadonlyMap<string, number>;
  network: Network;
  /** The control group that its processes are in. */
  group?: string;
}

/** How long a machine may take to shut down before it is killed. */
const shutdownLimitMs = 15_000;

/** What the first process says when it has become one. */
const bootMark = "box: boots\n";

export async function startMachine({
  machine,
  rootFolder,
  engineLayer,
  loops,
  network,
  group,
}: Parts): Promise<Running> {
  await rm(join(rootFolder, "engine"), { force: true });
  await symlink(engineLayer, join(rootFolder, "engine"));
  const volumes = [...loops].map(([device, loop]) => `${nodeName(device)}:${loop}`);
  const within = (...words: string[]): [string, ...string[]] =>
    group === undefined ? (words as [string, ...string[]]) : ["sh", "-c", enterGroup, group, ...words];
  const [command, args] = endingWithUs(
    ...within("unshare"),
    ...["--mount", "--propagation=private", "--pid", "--fork", "--kill-child=SIGKILL"],
    ...["--net", "--uts", "--ipc", "--cgroup"],
    ...["sh", program("enter.sh"), rootFolder, machine.address, hardwareId(machine.id), volumes.join(" ")],
    ...variables(bodyEnvironment),
  );
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => undefined);
  const console = new ConsoleFile(machine.consoleFile);
  let running = true;
  let early = "";
  const marks = { first: () => {}, booted: () => {} };
  const first = new Promise<void>((reached) => {
    marks.first = reached;
  });
  const booted = new Promise<void>((reached) => {
    marks.booted = reached;
  });
  for (const output of [child.stdout, child.stderr])
    output.on("data", (bytes: Buffer) => {
      console.append(bytes);
      if (early.endsWith(bootMark)) return;
      early += bytes.toString("latin1");
      marks.first();
      if (!early.includes(bootMark)) return;
      early = bootMark;
      marks.booted();
    });
  const stopped = new Promise<void>((resolve) => {
    const end = () => {
      running = false;
      resolve();
    };
    child.once("error", (error) => {
      early = error.message;
      end();
    });
    child.once("close", end);
  });

  // Its first word says that the namespaces are there.
  await Promise.race([first, stopped]);
  if (running) {
    await network.join(child.pid!).catch((error: Error) => {
      early = error.message;
      child.kill("SIGKILL");
    });
    child.stdin.write("connected\n");
  }
  await Promise.race([booted, stopped]);
  if (!running) throw new Error(`machine ${machine.id} did not start: ${early.trim()}`);

  const namespaces = [
    ...["--target", String(child.pid), "--mount", "--uts", "--ipc", "--net", "--cgroup"],
    `--pid=/proc/${child.pid}/ns/pid_for_children`,
  ];
  const enter = (...words: string[]): [string, ...string[]] =>
    within(
      "nsenter",
      ...namespaces,
      ...["env", "-i", ...variables({ ...bodyEnvironment, HOME: "/root" }), ...words],
    );
  const inside = async (script: string, options: { privileged?: boolean; timeoutMs?: number } = {}) => {
    if (!running) throw new Error(`machine ${machine.id} does not run`);
    const limit =
      options.timeoutMs === undefined ? [] : ["timeout", "-s", "KILL", String(options.timeoutMs / 1000)];
    const [command, ...args] = options.privileged ? enter() : enter(...bounded);
    return await run(command, [...args, ...limit, "sh", "-c", script]);
  };
  const must = async (script: string) => {
    const finished = await inside(script, { privileged: true });
    if (!succeeded(finished))
      throw new Error(`${describeEnding(finished.ending)}: ${finished.stderr.trim()}`);
  };

  return {
    stopped,
    exec: async (script, timeoutMs) => await inside(script, timeoutMs === undefined ? {} : { timeoutMs }),
    shell: () => {
      // What the terminal can show is the caller's to say.
      const terminal = variables({ TERM: process.env.TERM ?? "dumb" });
      return enter(...bounded, "env", "-C", "/root", ...terminal, "sh", "-c", login);
    },
    async powerOff() {
      child.stdin.write("poweroff\n");
      const force = setTimeout(() => child.kill("SIGKILL"), shutdownLimitMs);
      await stopped;
      clearTimeout(force);
    },
    kill: () => void child.kill("SIGKILL"),
    show: (device, loop) =>
      must(
        `[ -b /dev/loop${loop} ] || mknod -m 660 /dev/loop${loop} b 7 ${loop}; ln -sfn loop${loop} /dev/${nodeName(device)}`,
      ),
    hide: (device, loop) => must(`rm -f /dev/${nodeName(device)} /dev/loop${loop}`),
    async whileStill(act) {
      // All but the first process and the shell itself; a machine that ends meanwhile is still all the more.
      await inside("kill -STOP -1; sync");
      try {
        return await act();
      } finally {
        if (running) await inside("kill -CONT -1");
      }
    },
  };
}

/** Becomes a program in the control group that is its first argument. */
const enterGroup = 'echo $$ >"$0/cgroup.procs" && exec "$@"';

/** Capabilities that would reach the kernel that all machines share; the same as in enter.sh. */
const sharedKernel = "-sys_time,-sys_module,-sys_rawio,-mknod,-syslog,-mac_admin,-mac_override";

const bounded = ["setpriv", `--bounding-set=${sharedKernel}`, `--inh-caps=${sharedKernel}`];

/** The caller's terminal is none of the machine's: only one of its own has job control. */
const login = 'if [ -t 0 ]; then exec script -qc "bash -l" /dev/null; else exec bash -l; fi';

function variables(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

/** `/dev/sdf` as it is called below /dev. */
function nodeName(device: string): string {
  const name = /^\/dev\/([a-z0-9]+)$/.exec(device)?.[1];
  if (name === undefined)
    throw new Error(`${JSON.stringify(device)} is no device's name; EC2's are like /dev/sdf`);
  return name;
}

/** EC2's hardware id begins with ec2; the rest is the instance's own. */
function hardwareId(instance: string): string {
  const digits = `ec2${instance.replace(/[^0-9a-f]/g, "")}`.padEnd(32, "0").slice(0, 32);
  return [0, 8, 12, 16, 20].map((from, at, all) => digits.slice(from, all[at + 1])).join("-");
}
