import { appendFile, cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, run } from "../../bootstrap/edges/process.ts";
import type { Body, Disk, Engine, EngineRegion, Machine, Surroundings } from "../../sandbox/bodies/engine.ts";

/** A machine of the fake engine, with what a test may do to it. */
export interface FakeMachine extends Machine {
  region: string;
  running: boolean;
  attached: Map<string, Disk>;
  /** Devices that are in use, and so are not given back. */
  busy: Set<string>;
  /** As when `poweroff` is called inside. */
  shutItselfDown(): void;
}

/**
 * An engine whose disks are folders and whose machines are objects: `exec` runs in the root disk's folder, where
 * `dev/` has the volumes.
 */
export class FakeEngine implements Engine {
  readonly name = "box";
  readonly baseDigest = "fake";
  readonly limits = ["nothing boots: this is a test's fake"];
  readonly machines: FakeMachine[] = [];
  readonly surroundings = new Map<string, Surroundings>();
  /** Local ports that stand for a body's, by `address:port`. */
  readonly servers = new Map<string, number>();
  /** Raised by the next boot, for a test of what follows. */
  bootFails: Error | undefined;
  /** What becomes of a machine as soon as it has booted. */
  booted: ((machine: FakeMachine) => Promise<void>) | undefined;
  /** Answers scripts, for a test of those that no test's computer may run. */
  scripted: ((machine: FakeMachine, script: string) => Promise<Finished>) | undefined;
  readonly disks = new Set<Disk>();
  /** Disks that cannot be read. */
  readonly broken = new Set<Disk>();
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<FakeEngine> {
    return new FakeEngine(await mkdtemp(join(tmpdir(), "rekindle-fake-engine-")));
  }

  machine(id: string): FakeMachine {
    return this.machines.findLast((machine) => machine.id === id)!;
  }

  running(): string[] {
    return this.machines.filter(({ running }) => running).map(({ id }) => id);
  }

  async prepareBase(): Promise<void> {}

  async base(): Promise<Disk> {
    const base = join(this.#folder, "base");
    await mkdir(base, { recursive: true });
    return base;
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async openRegion(region: string, surroundings: Surroundings): Promise<EngineRegion> {
    this.surroundings.set(region, surroundings);
    const copy = async (disk: Disk) => {
      if (this.broken.has(disk)) throw new Error(`${disk}: input/output error`);
      const made = await this.#newDisk();
      await cp(disk, made, { recursive: true, filter: (path) => path !== join(disk, "dev") });
      return made;
    };
    return {
      boot: async (machine) => await this.#boot(region, machine),
      rootFrom: copy,
      imageOf: copy,
      copy,
      blankVolume: () => this.#newDisk(),
      snapshot: async (volumes) => await Promise.all(volumes.map(copy)),
      volumeFrom: copy,
      save: async (disk, to) => await cp(disk, to, { recursive: true }),
      load: copy,
      remove: async (disk) => {
        this.disks.delete(disk);
        await rm(disk, { recursive: true, force: true });
      },
      connect: async (address, port) => {
        const local = this.servers.get(`${address}:${port}`);
        if (local === undefined) throw new Error(`connect ECONNREFUSED ${address}:${port}`);
        return connect(local, "127.0.0.1");
      },
      kill: async () => {
        for (const machine of this.machines) if (machine.region === region) machine.shutItselfDown();
      },
    };
  }

  async #newDisk(): Promise<Disk> {
    const disk = await mkdtemp(join(this.#folder, "disk-"));
    this.disks.add(disk);
    return disk;
  }

  async #boot(region: string, machine: Machine): Promise<Body> {
    if (this.bootFails !== undefined) throw this.bootFails;
    await appendFile(machine.consoleFile, `${machine.id} boots\n`);
    let stop = () => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const fake: FakeMachine = {
      ...machine,
      region,
      running: true,
      attached: new Map(),
      busy: new Set(),
      shutItselfDown() {
        fake.running = false;
        stop();
      },
    };
    const link = (device: string) => join(machine.root, device);
    const attach = async (device: string, disk: Disk) => {
      await mkdir(join(machine.root, "dev"), { recursive: true });
      await rm(link(device), { force: true });
      await symlink(disk, link(device));
      fake.attached.set(device, disk);
    };
    for (const { device, disk } of machine.volumes) await attach(device, disk);
    this.machines.push(fake);
    await this.booted?.(fake);
    return {
      stopped,
      attach,
      exec: async (script, options) =>
        this.scripted
          ? await this.scripted(fake, script)
          : await run("sh", ["-c", script], { cwd: machine.root, ...options }),
      shell: () => ["sh"],
      powerOff: async () => fake.shutItselfDown(),
      detach: async (device) => {
        if (fake.busy.has(device)) throw new Error(`${device} is mounted on /data`);
        await rm(link(device));
        fake.attached.delete(device);
      },
    };
  }
}
