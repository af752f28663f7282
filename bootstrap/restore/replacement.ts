import { tags } from "../config/names.ts";
import type { Role } from "../config/schema.ts";
import { type RecoveryPoint, type VolumeSet, volumeSet } from "../recovery/point.ts";
import type { DataInUse } from "./data-in-use.ts";
import {
  isDevice,
  type LiveVolume,
  ownTags,
  type RunningServer,
  type VolumeShape,
  whose,
} from "./live-volume.ts";

/** One volume that takes the place of another one. */
export interface VolumeReplacement {
  name: string;
  device: string;
  /** The volume that is there now. */
  present: string;
  snapshot: string;
  /** What the new one is made like: the present one, and never smaller than what is in the snapshot. */
  shape: VolumeShape;
  tags: Record<string, string>;
}

/** What replacing a running server's data would do, decided before anything is touched. */
export interface Replacement {
  version: 1;
  server: string;
  role: string;
  instance: string;
  region: string;
  point: string;
  /** When the data that comes back was taken. ISO 8601, UTC. */
  takenAt: string;
  consistency: RecoveryPoint["consistency"];
  volumes: VolumeReplacement[];
  data: DataInUse;
}

export interface ReplacementRequest {
  server: RunningServer;
  role: Role;
  region: string;
  point: RecoveryPoint;
  /** Volumes that are the server's by their tags, or attached to it. */
  live: readonly LiveVolume[];
  data: DataInUse;
}

export type Planned = { kind: "planned"; plan: Replacement } | { kind: "refused"; reasons: string[] };

export function planReplacement(request: ReplacementRequest): Planned {
  const { server, role, region, point, live, data } = request;
  const set = volumeSet(point, server.server)!;
  const reasons: string[] = [];
  const volumes = role.volumes.flatMap((volume): VolumeReplacement[] => {
    const present = attachedTo(live, server.instance).find((one) => isDevice(one, volume.device));
    if (present === undefined) {
      reasons.push(`volume ${volume.name} is not attached to ${server.instance} at ${volume.device}`);
      return [];
    }
    const taken = set.volumes.find(({ name }) => name === volume.name)!;
    const { id, state: _state, tags: _tags, attachment, ...shape } = present;
    return [
      {
        name: volume.name,
        device: attachment!.device,
        present: id,
        snapshot: taken.snapshots[region]!,
        shape: { ...shape, sizeGiB: Math.max(shape.sizeGiB, taken.sizeGiB) },
        tags: {
          ...ownTags(present),
          ...whose(point.environment, server),
          [tags.volume]: volume.name,
          [tags.point]: point.id,
          [tags.replaces]: `${id} ${attachment!.device}`,
        },
      },
    ];
  });
  for (const beside of besideVolumes(live))
    reasons.push(
      `volume ${beside.id} of ${beside.tags[tags.beside]} lies beside it with the same names and identities; ` +
        `take it away first: rekindle restore volume ${server.server} --beside --detach`,
    );
  if (reasons.length > 0) return { kind: "refused", reasons };
  return {
    kind: "planned",
    plan: {
      version: 1,
      server: server.server,
      role: server.role,
      instance: server.instance,
      region,
      point: point.id,
      takenAt: set.takenAt,
      consistency: set.observed.label,
      volumes,
      data,
    },
  };
}

/** Why a plan may not be carried out as long as nobody says that what is newer may go; nothing when it may. */
export function newerData({ server, point, takenAt, data }: Replacement): string | undefined {
  const { newer } = data;
  switch (newer.kind) {
    case "none":
      return undefined;
    case "some": {
      const count = `${newer.isCounted ? "" : "at least "}${newer.files} ${newer.files === 1 ? "file" : "files"}`;
      const age = duration(Date.parse(newer.newest.at) - Date.parse(takenAt));
      return (
        `${server} holds data that is newer than ${point}: ${count} changed since ${takenAt}, ` +
        `the last one ${age} later (${newer.newest.path} at ${newer.newest.at})`
      );
    }
    case "unknown":
      return `nobody knows whether ${server} holds data that is newer than ${point} of ${takenAt}: ${newer.reason}`;
  }
}

/** A moment that the data is not older than, by the earliest clock that has seen it: files changed later are newer. */
export function knownBefore({ takenAt, observed }: VolumeSet): string {
  const from = observed.frozen?.from;
  return from !== undefined && from < takenAt ? from : takenAt;
}

/** What would be done, for people. */
export function describeReplacement(plan: Replacement): string[] {
  const { server, role, instance, region, point, takenAt, consistency, volumes, data } = plan;
  const age = duration(Date.parse(data.now) - Date.parse(takenAt));
  return [
    `the data of ${server} (role ${role}, ${instance} in ${region}) goes back to ${point}: ` +
      `taken at ${takenAt}, ${age} ago, ${consistency} consistent`,
    `  ${newerData(plan) ?? "nothing was changed since"}`,
    ...data.users.map(
      ({ pid, unit, command }) => `  in use by process ${pid}${unit ? ` of ${unit}` : ""}: ${command}`,
    ),
    ...steps(plan).map((step, index) => `  ${index + 1}. ${step}`),
    `  the present volumes stay, detached: ${volumes.map(({ present }) => present).join(", ")}`,
  ];
}

function steps({ volumes, data, instance }: Replacement): string[] {
  const services = data.services.length === 0 ? "what uses it" : `${data.services.join(", ")}`;
  return [
    ...volumes.map(
      ({ name, snapshot, shape }) =>
        `make a volume ${name} of ${shape.sizeGiB} GiB (${shape.type}) from ${snapshot} in ${shape.zone}`,
    ),
    `stop ${services}, and what else holds ${data.mount}; unmount it`,
    "snapshot the present volumes at one instant",
    ...volumes.map(
      ({ present, device }) => `detach ${present} from ${instance}, and attach the new one at ${device}`,
    ),
    `mount them at ${data.mount}, start ${services}, and ask the health check`,
  ];
}

/** A new volume, and the one whose place it takes. */
export interface Exchange {
  made: string;
  present: string;
  device: string;
}

/** What a restore that was cut short has left: new volumes whose predecessors have not been given up yet. */
export interface Interrupted {
  exchanges: Exchange[];
  /** The new ones are all attached, so that the server may have written to them. */
  isComplete: boolean;
}

export function interruptedReplacement(
  live: readonly LiveVolume[],
  instance: string,
): Interrupted | undefined {
  const exchanges = live.flatMap((volume): Exchange[] => {
    const [present, device] = (volume.tags[tags.replaces] ?? "").split(" ");
    const before = live.find(({ id }) => id === present);
    if (before === undefined || device === undefined) return [];
    // Either of them was given up when it ended.
    if ([volume, before].some((one) => one.tags[tags.replaced] !== undefined)) return [];
    return [{ made: volume.id, present: before.id, device }];
  });
  if (exchanges.length === 0) return undefined;
  const attached = attachedTo(live, instance).map(({ id }) => id);
  return { exchanges, isComplete: exchanges.every(({ made }) => attached.includes(made)) };
}

export function besideVolumes(live: readonly LiveVolume[]): LiveVolume[] {
  return live.filter((volume) => volume.tags[tags.beside] !== undefined);
}

function attachedTo(live: readonly LiveVolume[], instance: string): LiveVolume[] {
  return live.filter(({ attachment }) => attachment?.instance === instance);
}

/** Such as `5 h 12 min`; always of a size that says something. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return hours < 48 ? `${hours} h ${rest} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
