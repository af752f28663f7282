import {
  type Instance,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type Volume,
} from "@aws-sdk/client-ec2";
import { Disks } from "./disks.ts";
import type { EmulatedRegion } from "./emulated-region.ts";
import type { Disk, EngineRegion } from "./engine.ts";
import { Machines, rootOf } from "./machines.ts";
import { OneAtATime } from "./one-at-a-time.ts";

export interface RegionBodiesOptions {
  engine: EngineRegion;
  /** Of the engine, as a disk of this region. */
  base(): Promise<Disk>;
  emulated: EmulatedRegion;
  consoleFolder: string;
  /** A region that is lost runs nothing. */
  isLost(): boolean;
  note(line: string): void;
}

/** What could not be done, by the id of the instance or volume. */
export type Failures = ReadonlyMap<string, Error>;

/**
 * The bodies and disks of one region, made to follow what the emulator says. Level-triggered: each look compares
 * everything, so it does not matter which call, or which Auto Scaling group, started or ended an instance.
 */
export class RegionBodies {
  readonly emulated: EmulatedRegion;
  readonly engine: EngineRegion;
  readonly disks: Disks;
  readonly machines: Machines;
  readonly #options: RegionBodiesOptions;
  readonly #turn = new OneAtATime();
  #nextLook: Promise<Failures> | undefined;

  constructor(options: RegionBodiesOptions) {
    const { engine, consoleFolder, emulated, base } = options;
    this.#options = options;
    this.emulated = emulated;
    this.engine = engine;
    this.disks = new Disks(engine);
    this.machines = new Machines({
      engine,
      disks: this.disks,
      consoleFolder,
      // Only images that were made here have a disk of their own; the emulator's public ones are all the base.
      imageOf: async ({ ImageId }) => this.disks.get(ImageId ?? "") ?? (await base()),
      shutItselfDown: (id) =>
        void this.#followShutdown(id).catch((error: Error) =>
          options.note(`the shutdown of ${id} could not be followed: ${error.message}`),
        ),
    });
  }

  /** What changes bodies or disks does so in its turn, so that a look never sees half of it. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turn.run(work);
  }

  /** Resolves when the bodies are as the emulator says at a moment after this call. Callers that wait share a look. */
  look(): Promise<Failures> {
    this.#nextLook ??= this.inTurn(() => {
      this.#nextLook = undefined;
      return this.#look();
    });
    return this.#nextLook;
  }

  /** The root disk of an instance, or a refusal: there is none before its first boot. */
  async rootOf(instanceId: string): Promise<Disk> {
    return this.disks.volume(rootOf({ InstanceId: instanceId }, await this.emulated.volumes()));
  }

  /** Shuts an instance's body down, does `between` to its disks, and boots it again. */
  async restart(instanceId: string, between: () => Promise<void> = async () => undefined): Promise<void> {
    const running = this.machines.get(instanceId);
    await this.machines.end(instanceId);
    try {
      await between();
    } finally {
      if (running !== undefined) await this.machines.boot(running.instance, await this.emulated.volumes());
    }
  }

  /** All bodies at once, and for good when `forgetting`: then the disks go too. */
  async kill({ forgetting = false } = {}): Promise<void> {
    await this.inTurn(async () => {
      await this.machines.kill();
      if (forgetting) await this.disks.forgetAll();
    });
  }

  async #look(): Promise<Failures> {
    if (this.#options.isLost()) return new Map();
    const [instances, volumes] = await Promise.all([this.emulated.instances(), this.emulated.volumes()]);
    const there = instances.filter(({ State }) => State?.Name !== "terminated");
    const roots = there.map((instance) => rootOf(instance, volumes));
    const isNew = new Set(there.filter((_, index) => this.disks.get(roots[index]!) === undefined));
    const ofVolumes = await this.disks.makeMissing(volumes);
    const ofInstances = await this.machines.follow(there, volumes);
    // After the bodies: a disk goes only when nothing runs on it any more.
    await this.disks.forgetOthers([...volumes.map(({ VolumeId }) => VolumeId!), ...roots]);
    for (const instance of there) {
      const failure = ofInstances.get(instance.InstanceId!);
      if (failure !== undefined) await this.#giveUp(instance, isNew.has(instance), failure, volumes);
    }
    for (const [id, { message }] of ofVolumes) this.#options.note(`${id} has no disk: ${message}`);
    return new Map([...ofVolumes, ...ofInstances]);
  }

  /** As AWS does with an instance that its host cannot start: a new one ends, another goes back to being stopped. */
  async #giveUp(instance: Instance, isNew: boolean, { message }: Error, volumes: readonly Volume[]) {
    const { InstanceId } = instance;
    this.#options.note(`${InstanceId} has not the body that it should have: ${message}`);
    if (this.machines.get(InstanceId!) !== undefined) return;
    if (isNew) await this.disks.forget(rootOf(instance, volumes));
    const InstanceIds = [InstanceId!];
    const command = isNew
      ? new TerminateInstancesCommand({ InstanceIds })
      : new StopInstancesCommand({ InstanceIds });
    await this.emulated.ec2.send(command as StopInstancesCommand);
  }

  async #followShutdown(instanceId: string): Promise<void> {
    const InstanceIds = [instanceId];
    const behavior = await this.emulated.shutdownBehavior(instanceId);
    const command =
      behavior === "terminate"
        ? new TerminateInstancesCommand({ InstanceIds })
        : new StopInstancesCommand({ InstanceIds });
    await this.emulated.ec2.send(command as StopInstancesCommand);
    this.machines.forget(instanceId);
    await this.look();
  }
}
