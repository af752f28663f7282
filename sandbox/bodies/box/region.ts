import type { Body, Disk, EngineRegion, Machine } from "../engine.ts";
import { Occupancy } from "../occupancy.ts";
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
  /** Whether this computer can keep servers to their own devices. */
  confines: boolean;
}

interface Entry {
  running: Running;
  /** Resolves when it has stopped and its disks are free. */
  stopped: Promise<void>;
}

export function openRegion({
  region,
  store,
  devices,
  network,
  engineLayer,
  confines,
}: RegionParts): EngineRegion {
  const occupancy = new Occupancy();
  const machines = new Map<string, Entry>();
  /** The devices of this computer that volumes in use are behind. */
  const loops = new Map<Disk, number>();

  const serverOf = (machine: string) => `${region}-${machine}`;

  /** Puts a volume behind a device of this computer, for one machine. */
  const plug = async (machine: string, device: string, disk: Disk): Promise<number> => {
    const file = store.path(disk, "volumes");
    occupancy.claim(machine, device, disk);
    try {
      const loop = await (await devices()).attach(file, serverOf(machine));
      loops.set(disk, loop);
      return loop;
    } catch (error) {
      occupancy.release(disk);
      throw new Error(`volume ${disk} can't be attached: ${(error as Error).message}`);
    }
  };

  const unplugAll = async (machine: string) => {
    for (const disk of occupancy.volumesOf(machine)) {
      const loop = loops.get(disk);
      if (loop !== undefined)
        await devices()
          .then((opened) => opened.release(loop))
          .catch(() => undefined);
      loops.delete(disk);
    }
  };

  const start = async (machine: Machine): Promise<Running> => {
    const own = new Map<string, number>();
    for (const { device, disk } of machine.volumes) own.set(device, await plug(machine.id, device, disk));
    return await startMachine({
      machine,
      rootFolder: store.path(machine.root, "roots"),
      engineLayer,
      loops: own,
      network: await network(),
      ...(confines ? { group: await (await devices()).confine(serverOf(machine.id)) } : {}),
    });
  };

  return {
    async boot(machine) {
      occupancy.enter(machine);
      const forget = async () => {
        await unplugAll(machine.id);
        if (confines)
          await devices()
            .then((opened) => opened.free(serverOf(machine.id)))
            .catch(() => undefined);
        occupancy.leave(machine.id);
        machines.delete(machine.id);
      };
      let running: Running;
      try {
        running = await start(machine);
      } catch (error) {
        await forget();
        throw error;
      }
      const stopped = running.stopped.then(forget);
      machines.set(machine.id, { running, stopped });
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
          const disk = occupancy.volumeAt(machine.id, device);
          const loop = loops.get(disk)!;
          await (await devices()).detach(loop).catch((error: Error) => {
            throw new Error(`${device} of ${machine.id} can't be detached: ${error.message}`);
          });
          loops.delete(disk);
          occupancy.release(disk);
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
      const user = machines.get(occupancy.userOf(root) ?? "")?.running;
      const take = () => store.imageOf(region, root);
      return user ? await user.whileStill(take) : await take();
    },
    blankVolume: (sizeGiB) => store.blankVolume(region, sizeGiB * bytesOfGiB),
    async snapshot(volumes) {
      for (const volume of volumes) store.path(volume, "volumes");
      const used = volumes.flatMap((volume) => loops.get(volume) ?? []);
      const made: Disk[] = [];
      try {
        await (await devices()).whileFrozen(used, async () => {
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
      occupancy.demandFree(disk);
      await store.remove(disk);
    },
    connect: async (address, port) => await (await network()).connect(address, port),
    async kill() {
      const entries = [...machines.values()];
      for (const { running } of entries) running.kill();
      await Promise.all(entries.map(({ stopped }) => stopped));
    },
  };
}
