import type { Body, Disk, EngineRegion, Machine } from "../engine.ts";
import { OneAtATime } from "../one-at-a-time.ts";
import type { Base } from "./base.ts";
import type { Hardware, VolumeFile } from "./hardware.ts";
import { type Running, startMachine } from "./machine.ts";
import type { Router } from "./network/router.ts";
import { idOf, type Store } from "./store.ts";

const bytesOfGiB = 1024 ** 3;

export interface RegionParts {
  region: string;
  store: Store;
  router: Router;
  /** What machines boot from, and on. */
  equipment(): Promise<{ base: Base; hardware: Hardware }>;
}

/** A volume in use: under which device, of which machine. */
interface Attachment {
  machine: string;
  device: string;
}

export function openRegion({ region, store, router, equipment }: RegionParts): EngineRegion {
  const attached = new Map<Disk, Attachment>();
  const machines = new Map<string, { machine: Machine; running?: Running }>();
  const stillness = new OneAtATime();

  /** Says that a volume is a machine's, so that of two at the same time the second is refused. */
  const claim = (machine: string, device: string, disk: Disk): VolumeFile => {
    const file = store.path(disk, "volumes");
    const use = attached.get(disk);
    if (use) throw new Error(`volume ${disk} is attached to ${use.machine} as ${use.device}`);
    if ([...attached.values()].some((other) => other.machine === machine && other.device === device))
      throw new Error(`${device} of ${machine} is in use`);
    const name = nodeName(device);
    attached.set(disk, { machine, device });
    return { name, id: idOf(disk), file };
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
      const users = new Set<Running>();
      for (const { machine, running } of machines.values()) {
        const has = [machine.root, ...disksOf(machine.id)].some((disk) => disks.includes(disk));
        if (running && has) users.add(running);
      }
      return [...users].reduce<() => Promise<T>>((inner, user) => () => user.whileStill(inner), act)();
    });

  const disksOf = (machine: string) =>
    [...attached].flatMap(([disk, use]) => (use.machine === machine ? [disk] : []));

  return {
    async boot(machine) {
      for (const { machine: other } of machines.values()) {
        if (other.id === machine.id) throw new Error(`machine ${machine.id} runs already`);
        if (other.root === machine.root)
          throw new Error(`root disk ${machine.root} is in use by ${other.id}`);
        if (other.address === machine.address) throw new Error(`address ${machine.address} is ${other.id}'s`);
      }
      const entry: { machine: Machine; running?: Running } = { machine };
      machines.set(machine.id, entry);
      const forget = () => {
        for (const disk of disksOf(machine.id)) attached.delete(disk);
        machines.delete(machine.id);
      };
      let running: Running;
      try {
        running = await start(machine);
      } catch (error) {
        forget();
        throw error;
      }
      entry.running = running;
      const stopped = running.stopped.then(forget);
      return {
        stopped,
        exec: (script, { timeoutMs } = {}) => running.exec(script, timeoutMs),
        async powerOff() {
          await running.powerOff();
          await stopped;
        },
        async attach(device, disk) {
          const volume = claim(machine.id, device, disk);
          await running.plug(volume).catch((error: Error) => {
            attached.delete(disk);
            throw new Error(`volume ${disk} can't be attached: ${error.message}`);
          });
        },
        async detach(device) {
          const found = [...attached].find(([, use]) => use.machine === machine.id && use.device === device);
          if (!found) throw new Error(`${machine.id} has no volume ${device}`);
          await running.unplug(nodeName(device)).catch((error: Error) => {
            throw new Error(`${device} of ${machine.id} can't be detached: ${error.message}`);
          });
          attached.delete(found[0]);
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
      const user = [...machines.values()].find(({ machine }) => machine.root === disk);
      const machine = user?.machine.id ?? attached.get(disk)?.machine;
      if (machine) throw new Error(`disk ${disk} is in use by ${machine}`);
      await store.remove(disk);
    },
    connect: (address, port) => router.connect(address, port),
    async kill() {
      const running = [...machines.values()].flatMap((entry) => entry.running ?? []);
      for (const one of running) one.kill();
      await Promise.all(running.map(({ stopped }) => stopped));
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
