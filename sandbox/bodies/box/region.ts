import type { Body, Disk, EngineRegion, Machine } from "../engine.ts";
import type { Devices } from "./devices.ts";
import { type Running, startMachine } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Store } from "./store.ts";

const bytesOfGiB = 1024 ** 3;

export interface RegionParts {
  region: string;
  store: Store;
  devices(): Promise<Devices>;
  network(): Promise<Network>;
  engineLayer: string;
}

/** A volume in use: behind which device, of which machine. */
interface Attachment {
  machine: string;
  device: string;
  loop: number;
}

interface Entry {
  machine: Machine;
  running?: Running;
  /** Resolves when it has stopped and its disks are free. */
  stopped?: Promise<void>;
}

export function openRegion({ region, store, devices, network, engineLayer }: RegionParts): EngineRegion {
  const attached = new Map<Disk, Attachment>();
  const machines = new Map<string, Entry>();

  /** Puts a volume behind a device of this computer, for one machine. */
  const plug = async (machine: string, device: string, disk: Disk): Promise<number> => {
    const file = store.path(disk, "volumes");
    const use = attached.get(disk);
    if (use) throw new Error(`volume ${disk} is attached to ${use.machine} as ${use.device}`);
    if ([...attached.values()].some((other) => other.machine === machine && other.device === device))
      throw new Error(`${device} of ${machine} is in use`);
    const attachment = { machine, device, loop: -1 };
    // Before the first wait, so that of two at the same time the second is refused.
    attached.set(disk, attachment);
    try {
      attachment.loop = await (await devices()).attach(file);
    } catch (error) {
      attached.delete(disk);
      throw new Error(`volume ${disk} can't be attached: ${(error as Error).message}`);
    }
    return attachment.loop;
  };

  const unplugAll = async (machine: string) => {
    for (const [disk, use] of attached)
      if (use.machine === machine) {
        if (use.loop >= 0)
          await devices()
            .then((opened) => opened.release(use.loop))
            .catch(() => undefined);
        attached.delete(disk);
      }
  };

  const start = async (machine: Machine): Promise<Running> => {
    const loops = new Map<string, number>();
    for (const { device, disk } of machine.volumes) loops.set(device, await plug(machine.id, device, disk));
    return await startMachine({
      machine,
      rootFolder: store.path(machine.root, "roots"),
      engineLayer,
      loops,
      network: await network(),
    });
  };

  return {
    async boot(machine) {
      for (const { machine: other } of machines.values()) {
        if (other.id === machine.id) throw new Error(`machine ${machine.id} runs already`);
        if (other.root === machine.root)
          throw new Error(`root disk ${machine.root} is in use by ${other.id}`);
        if (other.address === machine.address) throw new Error(`address ${machine.address} is ${other.id}'s`);
      }
      const entry: Entry = { machine };
      machines.set(machine.id, entry);
      const forget = async () => {
        await unplugAll(machine.id);
        machines.delete(machine.id);
      };
      let running: Running;
      try {
        running = await start(machine);
      } catch (error) {
        await forget();
        throw error;
      }
      entry.running = running;
      const stopped = running.stopped.then(forget);
      entry.stopped = stopped;
      return {
        stopped,
        exec: (script, { timeoutMs } = {}) => running.exec(script, timeoutMs),
        shell: running.shell,
        async powerOff() {
          await running.powerOff();
          await stopped;
        },
        async attach(device, disk) {
          const loop = await plug(machine.id, device, disk);
          await running.show(device, loop);
        },
        async detach(device) {
          const found = [...attached].find(([, use]) => use.machine === machine.id && use.device === device);
          if (!found) throw new Error(`${machine.id} has no volume ${device}`);
          const [disk, { loop }] = found;
          await (await devices()).detach(loop).catch((error: Error) => {
            throw new Error(`${device} of ${machine.id} can't be detached: ${error.message}`);
          });
          attached.delete(disk);
          await running.hide(device, loop);
        },
      } satisfies Body;
    },
    rootFrom: async (image) => {
      store.path(image, "images");
      return await store.rootFrom(region, image);
    },
    async imageOf(root) {
      store.path(root, "roots");
      const user = [...machines.values()].find(({ machine }) => machine.root === root)?.running;
      const take = () => store.imageOf(region, root);
      return user ? await user.whileStill(take) : await take();
    },
    blankVolume: (sizeGiB) => store.blankVolume(region, sizeGiB * bytesOfGiB),
    async snapshot(volumes) {
      for (const volume of volumes) store.path(volume, "volumes");
      const loops = volumes.flatMap((volume) => attached.get(volume)?.loop ?? []);
      const made: Disk[] = [];
      try {
        await (await devices()).whileFrozen(loops, async () => {
          for (const disk of made.splice(0)) await store.remove(disk);
          for (const volume of volumes) made.push(await store.duplicate(region, volume, "snapshots"));
        });
      } catch (error) {
        for (const disk of made) await store.remove(disk);
        throw error;
      }
      return made;
    },
    async volumeFrom(snapshot, sizeGiB) {
      store.path(snapshot, "snapshots");
      return await store.duplicate(region, snapshot, "volumes", sizeGiB * bytesOfGiB);
    },
    async copy(disk) {
      store.path(disk, "images", "snapshots");
      return await store.copy(region, disk);
    },
    async save(disk, to) {
      store.path(disk, "images", "snapshots");
      await store.save(disk, to);
    },
    load: (from) => store.load(region, from),
    async remove(disk) {
      const user = [...machines.values()].find(({ machine }) => machine.root === disk);
      const machine = user?.machine.id ?? attached.get(disk)?.machine;
      if (machine) throw new Error(`disk ${disk} is in use by ${machine}`);
      await store.remove(disk);
    },
    connect: async (address, port) => await (await network()).connect(address, port),
    async kill() {
      const entries = [...machines.values()];
      for (const { running } of entries) running?.kill();
      await Promise.all(entries.map(({ stopped }) => stopped));
    },
  };
}
