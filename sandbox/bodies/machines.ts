import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Instance, Volume } from "@aws-sdk/client-ec2";
import { type Disks, isRootDevice } from "./disks.ts";
import type { Body, Disk, EngineRegion } from "./engine.ts";

/** An instance that has a body. */
export interface Running {
  instance: Instance;
  body: Body;
  /** Data volumes by device. */
  volumes: Map<string, string>;
  /** Whoever ends a body says so first: one that ends without it has shut itself down. */
  ending: boolean;
}

export interface MachinesOptions {
  engine: EngineRegion;
  disks: Disks;
  consoleFolder: string;
  /** The disk of an instance's image. */
  imageOf(instance: Instance): Promise<Disk>;
  /** Called when a body has shut itself down; it stays known until `forget`. */
  shutItselfDown(instanceId: string): void;
}

/** The bodies of one region's instances. Callers see to it that one thing happens at a time. */
export class Machines {
  readonly #options: MachinesOptions;
  readonly #running = new Map<string, Running>();
  /** Instances that once ran, dead or alive: those have a console. */
  readonly #seen = new Set<string>();

  constructor(options: MachinesOptions) {
    this.#options = options;
  }

  get(instanceId: string): Running | undefined {
    return this.#running.get(instanceId);
  }

  byAddress(address: string): Running | undefined {
    return this.list().find(({ instance }) => instance.PrivateIpAddress === address);
  }

  list(): Running[] {
    return [...this.#running.values()];
  }

  consoleFile(instanceId: string): string | undefined {
    return this.#seen.has(instanceId) ? this.#consolePath(instanceId) : undefined;
  }

  /** Makes the bodies those of the instances that the emulator says are running. Returns what failed, by instance. */
  async follow(instances: readonly Instance[], volumes: readonly Volume[]): Promise<Map<string, Error>> {
    const wanted = instances.filter(({ State }) => State?.Name === "running" || State?.Name === "pending");
    const ids = new Set(wanted.map(({ InstanceId }) => InstanceId!));
    await Promise.all([...this.#running.keys()].filter((id) => !ids.has(id)).map((id) => this.end(id)));
    const failures = new Map<string, Error>();
    await Promise.all(
      wanted.map(async (instance) => {
        try {
          const running = this.#running.get(instance.InstanceId!);
          if (running === undefined) await this.boot(instance, volumes);
          else await this.#followVolumes(running, instance, volumes);
        } catch (error) {
          failures.set(instance.InstanceId!, error as Error);
        }
      }),
    );
    return failures;
  }

  async boot(instance: Instance, volumes: readonly Volume[]): Promise<void> {
    const { engine, disks, imageOf, consoleFolder } = this.#options;
    const id = instance.InstanceId!;
    const root = await disks.root(rootOf(instance, volumes), await imageOf(instance));
    const attached = attachedTo(id, volumes);
    await mkdir(consoleFolder, { recursive: true });
    this.#seen.add(id);
    const body = await engine.boot({
      id,
      address: instance.PrivateIpAddress!,
      root,
      volumes: [...attached].map(([device, volume]) => ({ device, disk: disks.volume(volume) })),
      consoleFile: this.#consolePath(id),
    });
    const running: Running = { instance, body, volumes: attached, ending: false };
    this.#running.set(id, running);
    void body.stopped.then(() => {
      if (!running.ending) this.#options.shutItselfDown(id);
    });
  }

  /** Shuts a body down, and forgets it. */
  async end(instanceId: string): Promise<void> {
    const running = this.#running.get(instanceId);
    if (running === undefined) return;
    running.ending = true;
    await running.body.powerOff();
    this.#running.delete(instanceId);
  }

  /** For a body that has stopped by itself. */
  forget(instanceId: string): void {
    this.#running.delete(instanceId);
  }

  async detach(instanceId: string, volumeId: string): Promise<void> {
    const running = this.#running.get(instanceId);
    const device = [...(running?.volumes ?? [])].find(([, volume]) => volume === volumeId)?.[0];
    if (running === undefined || device === undefined) return;
    await running.body.detach(device);
    running.volumes.delete(device);
  }

  /** All bodies at once, as when the region is lost. */
  async kill(): Promise<void> {
    for (const running of this.#running.values()) running.ending = true;
    await this.#options.engine.kill();
    this.#running.clear();
  }

  async #followVolumes(running: Running, instance: Instance, volumes: readonly Volume[]): Promise<void> {
    running.instance = instance;
    const wanted = attachedTo(instance.InstanceId!, volumes);
    for (const [device, volume] of running.volumes)
      if (wanted.get(device) !== volume) await this.detach(instance.InstanceId!, volume);
    for (const [device, volume] of wanted) {
      if (running.volumes.has(device)) continue;
      await running.body.attach(device, this.#options.disks.volume(volume));
      running.volumes.set(device, volume);
    }
  }

  #consolePath(instanceId: string): string {
    return join(this.#options.consoleFolder, `${instanceId}.log`);
  }
}

/** What an instance's root disk is known by: its root volume, or itself, as the emulator has instances without one. */
export function rootOf({ InstanceId }: Instance, volumes: readonly Volume[]): string {
  const root = volumes.find(({ Attachments }) =>
    Attachments?.some((to) => to.InstanceId === InstanceId && isRootDevice(to.Device)),
  );
  return root?.VolumeId ?? InstanceId!;
}

/** Data volumes by device. */
function attachedTo(instanceId: string, volumes: readonly Volume[]): Map<string, string> {
  const attached = new Map<string, string>();
  for (const { VolumeId, Attachments } of volumes)
    for (const to of Attachments ?? [])
      if (to.InstanceId === instanceId && !isRootDevice(to.Device)) attached.set(to.Device!, VolumeId!);
  return attached;
}
