import type { Body, Disk, EngineRegion, Machine } from "../engine.ts";
import { Occupancy } from "../occupancy.ts";
import { OneAtATime } from "../one-at-a-time.ts";
import type { Equipment } from "./equipment.ts";
import type { VolumeFile } from "./hardware.ts";
import { type Running, startMachine } from "./machine.ts";
import type { Router } from "./network/router.ts";
import { idOf, type Store } from "./store.ts";

const bytesOfGiB = 1024 ** 3;

export interface RegionParts {
  region: string;
  store: Store;
  router: Router;
  equipment(): Promise<Equipment>;
}

export function openRegion({ region, store, router, equipment }: RegionParts): EngineRegion {
  const occupancy = new Occupancy();
  const running = new Map<string, Running>();
  const stillness = new OneAtATime();

  const claim = (machine: string, device: string, disk: Disk): VolumeFile => {
    const volume = { name: nodeName(device), id: idOf(disk), file: store.path(disk, "volumes") };
    occupancy.claim(machine, device, disk);
    return volume;
  };

  const start = async (machine: Machine): Promise<Running> =>
    await startMachine({
      ...(await equipment()),
      machine,
      rootFile: store.path(machine.root, "roots"),
      volumes: machine.volumes.map(({ device, disk }) => claim(machine.id, device, disk)),
      router,
    });

  /** Runs `act` while the machines with these disks stand still; each of them once, and only one such thing at a time. */
  const whileStill = <T>(disks: readonly Disk[], act: () => Promise<T>): Promise<T> =>
    stillness.run(() => {
      const users = new Set(disks.flatMap((disk) => running.get(occupancy.userOf(disk) ?? "") ?? []));
      return [...users].reduce<() => Promise<T>>((inner, user) => () => user.whileStill(inner), act)();
    });

  return {
    async boot(machine) {
      occupancy.enter(machine);
      const forget = () => {
        occupancy.leave(machine.id);
        running.delete(machine.id);
      };
      let own: Running;
      try {
        own = await start(machine);
      } catch (error) {
        forget();
        throw error;
      }
      running.set(machine.id, own);
      const stopped = own.stopped.then(forget);
      return {
        stopped,
        exec: (script, { timeoutMs } = {}) => own.exec(script, timeoutMs),
        async powerOff() {
          await own.powerOff();
          await stopped;
        },
        async attach(device, disk) {
          const volume = claim(machine.id, device, disk);
          await own.plug(volume).catch((error: Error) => {
            occupancy.release(disk);
            throw new Error(`volume ${disk} can't be attached: ${error.message}`);
          });
        },
        async detach(device) {
          const disk = occupancy.volumeAt(machine.id, device);
          await own.unplug(nodeName(device)).catch((error: Error) => {
            throw new Error(`${device} of ${machine.id} can't be detached: ${error.message}`);
          });
          occupancy.release(disk);
        },
      } satisfies Body;
    },
    async rootFrom(image) {
      store.path(image, "images");
      return await store.duplicate(region, image, "roots");
    },
    async imageOf(root) {
      store.path(root, "roots");
      return await whileStill([root], () => store.duplicate(region, root, "images"));
    },
    blankVolume: (sizeGiB) => store.blankVolume(region, sizeGiB * bytesOfGiB),
    async snapshot(volumes) {
      for (const volume of volumes) store.path(volume, "volumes");
      const made: Disk[] = [];
      try {
        await whileStill(volumes, async () => {
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
      const kind = disk.split("/")[1] === "images" ? "images" : "snapshots";
      store.path(disk, kind);
      return await store.duplicate(region, disk, kind);
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
    connect: (address, port) => router.connect(address, port),
    async kill() {
      const all = [...running.values()];
      for (const one of all) one.kill();
      await Promise.all(all.map(({ stopped }) => stopped));
    },
  };
}

/** `/dev/sdf` as it is called below /dev; the base has rules for these names. */
function nodeName(device: string): string {
  const name = /^\/dev\/((?:sd|xvd)[b-z])$/.exec(device)?.[1];
  if (name === undefined)
    throw new Error(
      `${JSON.stringify(device)} is no name of a data volume; give one from /dev/sdb to /dev/sdz`,
    );
  return name;
}
