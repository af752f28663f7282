import { tags } from "../config/names.ts";
import type { Role } from "../config/schema.ts";
import { type RecoveryPoint, volumeSet } from "../recovery/point.ts";
import {
  isDevice,
  type LiveVolume,
  ownTags,
  type RunningServer,
  type VolumeShape,
  whose,
} from "./live-volume.ts";
import { besideVolumes } from "./replacement.ts";

/** A volume of a recovery point, for a look at it. */
export interface BesideVolume {
  name: string;
  /** Where it is, or will be, attached. */
  device: string;
  /** One that an earlier run has made; else one is made from the snapshot. */
  made: string | undefined;
  snapshot: string;
  shape: VolumeShape;
  tags: Record<string, string>;
}

/** A recovery point's data beside what a running server has now, to copy single files from. */
export interface Beside {
  version: 1;
  server: string;
  instance: string;
  region: string;
  point: string;
  takenAt: string;
  consistency: RecoveryPoint["consistency"];
  /** Where it is mounted, read-only. */
  folder: string;
  volumes: BesideVolume[];
}

export type BesidePlanned = { kind: "planned"; plan: Beside } | { kind: "refused"; reason: string };

export function planBeside(request: {
  server: RunningServer;
  role: Role;
  region: string;
  point: RecoveryPoint;
  live: readonly LiveVolume[];
}): BesidePlanned {
  const { server, role, region, point, live } = request;
  const set = volumeSet(point, server.server)!;
  const attached = live.filter(({ attachment }) => attachment?.instance === server.instance);
  const free = dataDevices.filter(
    (device) =>
      !role.volumes.some((one) => one.device.at(-1) === device.at(-1)) &&
      !attached.some((one) => isDevice(one, device)),
  );
  const volumes: BesideVolume[] = [];
  for (const { name, device } of role.volumes) {
    const taken = set.volumes.find((one) => one.name === name)!;
    const made = besideVolumes(live).find(
      (one) => one.tags[tags.beside] === point.id && one.tags[tags.volume] === name,
    );
    const place = made?.attachment?.device ?? free.shift();
    if (place === undefined)
      return { kind: "refused", reason: `${server.instance} has no device name left for volume ${name}` };
    const present = attached.find((one) => isDevice(one, device));
    volumes.push({
      name,
      device: place,
      made: made?.id,
      snapshot: taken.snapshots[region]!,
      shape: { zone: server.zone, sizeGiB: taken.sizeGiB, type: "gp3" },
      tags: {
        ...(present && ownTags(present)),
        ...whose(point.environment, server),
        [tags.volume]: name,
        [tags.beside]: point.id,
        Name: `${server.server}-${name} of ${point.id}`,
      },
    });
  }
  return {
    kind: "planned",
    plan: {
      version: 1,
      server: server.server,
      instance: server.instance,
      region,
      point: point.id,
      takenAt: set.takenAt,
      consistency: set.observed.label,
      folder: besideFolder(point.id),
      volumes,
    },
  };
}

export function besideFolder(point: string): string {
  return `/mnt/rekindle-${point}`;
}

export function describeBeside({
  server,
  instance,
  region,
  point,
  takenAt,
  consistency,
  folder,
  volumes,
}: Beside): string[] {
  return [
    `${point} beside the data of ${server} (${instance} in ${region}): taken at ${takenAt}, ${consistency} consistent`,
    ...volumes.map(({ name, snapshot, made, device }) =>
      made === undefined
        ? `  a volume ${name} made from ${snapshot}, attached at ${device}`
        : `  volume ${name}, which is there already: ${made} at ${device}`,
    ),
    `  mounted read-only at ${folder}`,
  ];
}

/** What EC2 recommends for data volumes. */
const dataDevices = [..."fghijklmnop"].map((letter) => `/dev/sd${letter}`);
