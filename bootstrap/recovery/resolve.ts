import { isCluster } from "../config/databases.ts";
import type { Site, Topology } from "../config/schema.ts";
import { fixedServers, isStateful } from "../config/servers.ts";
import type { DumpWish } from "../dump/choose.ts";
import type { Dump } from "../dump/dump.ts";
import type { ServerImage } from "../image/image.ts";
import type { Manifest, ManifestPin, Pointer } from "../release/manifest.ts";
import { choosePoint, type Expected, type Wish } from "./choose.ts";
import {
  consistencyOf,
  databasePin,
  databaseReason,
  momentsOf,
  type PlannedData,
  usesPoint,
} from "./data.ts";
import { imagePins } from "./image-pins.ts";
import type { Pins, VolumePin } from "./pins.ts";
import type { DataSetAge, RecoveryPlan } from "./plan.ts";
import { plannedDumps } from "./planned-dumps.ts";
import { type RecoveryPoint, volumeSet } from "./point.ts";
import { pointsInTime } from "./points-in-time.ts";
import type { Restorable } from "./restorable.ts";
import { type DataMoment, skewOf, tooFarApart } from "./skew.ts";
import type { Resolved } from "./synthesis.ts";

/** Everything that one region's catalog holds. */
export interface CatalogContents {
  pointer: Pointer | undefined;
  /** Release → its manifest in this region, and what a server checks it by. */
  manifests: Readonly<Record<string, { manifest: Manifest; pin: ManifestPin }>>;
  images: readonly ServerImage[];
  /** The points that were looked at: up to the newest that can be rebuilt from. What is older is not read. */
  points: readonly RecoveryPoint[];
  /** How many more were passed over on the way. Some dozen of reasons are enough for anybody. */
  skipped?: number;
}

/** What a region says of itself at the moment of the plan. */
export interface RegionNow {
  contents: CatalogContents;
  /** What of the databases can be restored to a second. */
  restorable: readonly Restorable[];
  /** The release that was live at the moment that is wanted; nothing when the history does not reach it. */
  liveThen?: string;
  /** Name in `dumps` of the environment → its dumps that were looked at: up to the newest that can be restored. */
  dumps?: Readonly<Record<string, readonly Dump[]>>;
}

export interface PlanRequest extends RegionNow {
  topology: Topology;
  region: string;
  wish: Wish;
  /** ISO 8601, UTC. */
  now: string;
}

export type Planned = { kind: "planned"; plan: RecoveryPlan } | { kind: "refused"; reasons: string[] };

/** Resolves every pin of a rebuild, with reasons; or says why there is nothing to rebuild from. */
export function resolvePlan(request: PlanRequest): Planned {
  const { topology, region, wish, now, contents, liveThen } = request;
  const byTime = pointsInTime(request.restorable, wish);
  const wanted = wantedOfPoint(request);
  const choice = choosePoint(contents.points, wish, wanted);
  const more = contents.skipped ? [`${contents.skipped} more points are passed over for such reasons`] : [];
  const needsPoint =
    Object.keys(wanted.servers).length + wanted.databases.length > 0 ||
    // Of a past state without data in it, only a point knows the release, or the history.
    (wish.kind !== "newest" && liveThen === undefined);
  if (choice.kind === "none" && needsPoint) return { kind: "refused", reasons: [...choice.reasons, ...more] };
  const point = choice.kind === "chosen" ? choice.point : undefined;
  const data: PlannedData = { region, point, byTime };
  // A point's own was looked at when it was chosen.
  const apart = point === undefined ? farApart(topology, data) : [];
  if (apart.length > 0) return { kind: "refused", reasons: apart };

  const release = chooseRelease(request, data);
  if (release.kind === "refused") return release;
  const moments = momentsOf(data);
  const skew = skewOf(moments);
  const consistency = consistencyOf(data);
  const moment = wish.kind === "as-of" && wish.moment < now ? wish.moment : now;
  const dumps = plannedDumps(request.dumps ?? {}, dumpWish(wish, point), region, moment);
  return {
    kind: "planned",
    plan: {
      version: 1,
      id: `plan-${now.replace(/[-:.]/g, "").toLowerCase()}`,
      environment: topology.environment.name,
      region,
      createdAt: now,
      ...(wish.kind === "as-of" ? { asOf: wish.moment } : {}),
      ...(usesPoint(data) ? { point: point!.id } : {}),
      ...(consistency === undefined ? {} : { consistency }),
      dataSets: ages(moments, moment),
      ...(skew === undefined ? {} : { skew }),
      ...(dumps.length === 0 ? {} : { dumps }),
      reasons: [
        ...pointReasons(data, wish),
        ...databaseReasons(topology, data, wish),
        ...more,
        ...release.reasons,
      ],
      passedOver: choice.kind === "chosen" ? choice.passedOver : [],
      pins: {
        site: "recovery",
        region,
        ...release.pins,
        volumes: volumePins(topology, "recovery", region, point),
        databases: databasePins(topology, data),
      },
    },
  };
}

/** What a point must have to be rebuilt from: of what can go to the second it needs no snapshot. */
export function wantedOfPoint({
  topology,
  region,
  wish,
  now,
  restorable,
}: Pick<PlanRequest, "topology" | "region" | "wish" | "now" | "restorable">): Expected {
  const byTime = pointsInTime(restorable, wish);
  const expected = expectedData(topology, region);
  return {
    ...expected,
    now,
    databases: expected.databases.filter((name) => byTime[name] === undefined),
    against: (point) => farApart(topology, { region, point, byTime }),
  };
}

/** What is wanted of dumps: beside one point, those that are no newer than its data. */
export function dumpWish(wish: Wish, point: RecoveryPoint | undefined): DumpWish {
  if (wish.kind === "point" && point !== undefined) return { kind: "as-of", moment: point.takenAt };
  return wish.kind === "as-of" ? wish : { kind: "newest" };
}

/** With the moment at which those that go to the second are nearest to the others. */
function farApart({ environment }: Topology, data: PlannedData): string[] {
  const moments = momentsOf(data);
  const reasons = tooFarApart(moments, environment.objectives.maxSkew);
  if (Object.keys(data.byTime).length === 0) return reasons;
  const nearest = data.point?.takenAt ?? skewOf(moments)?.oldest.takenAt;
  return reasons.map((reason) => `${reason}; they are nearest with: rekindle plan --as-of ${nearest}`);
}

/** Pins of the primary site: the current release, its images, and empty data. */
export function resolvePrimary(topology: Topology, contents: CatalogContents): Resolved {
  const region = topology.environment.regions.primary;
  const { pointer } = contents;
  const found = pointer && contents.manifests[pointer.release];
  if (pointer === undefined || found === undefined)
    return { kind: "refused", reasons: [noRelease(topology)] };
  const images = imagePins(topology, region, found.manifest, contents.images);
  if (images.kind === "refused") return images;
  return {
    kind: "pinned",
    pins: {
      site: "primary",
      region,
      account: topology.environment.account,
      release: { release: pointer.release, commit: pointer.commit },
      manifest: pointer.sites[region]!.manifest,
      encryptionKey: pointer.sites[region]!.encryptionKey,
      roles: images.roles,
      volumes: volumePins(topology, "primary", region, undefined),
      databases: databasePins(topology, { region, point: undefined, byTime: {} }),
      ...backupsTo(topology, pointer),
    },
  };
}

/** Every data set that the environment's own description demands. */
export function expectedData(topology: Topology, region: string): Expected {
  const stateful = fixedServers(topology, "recovery").filter(({ role }) => isStateful(topology.roles[role]!));
  return {
    region,
    servers: Object.fromEntries(
      stateful.map(({ name, role }) => [name, topology.roles[role]!.volumes.map((volume) => volume.name)]),
    ),
    databases: Object.keys(topology.environment.databases),
  };
}

/** The current release when the newest is wanted; for a moment of the past the one that belongs to its data. */
function chooseRelease(request: PlanRequest, data: PlannedData) {
  const { topology, region, wish, contents, liveThen } = request;
  const { pointer } = contents;
  const { point } = data;
  const site = pointer?.sites[region];
  if (pointer === undefined || site === undefined)
    return { kind: "refused" as const, reasons: [noRelease(topology)] };
  const ofPoint = point && { release: point.release.release, why: `it was live when ${point.id} was taken` };
  const ofMoment =
    wish.kind === "as-of" && liveThen !== undefined && !usesPoint(data)
      ? { release: liveThen, why: `it was live at ${wish.moment}` }
      : undefined;
  const current =
    wish.kind === "newest" ? { release: pointer.release, why: "it is the current one" } : undefined;
  const candidates = [current, ofMoment, ofPoint].filter((one) => one !== undefined);
  const refusals: string[] = [];
  for (const { release, why } of candidates) {
    const found = contents.manifests[release];
    if (found === undefined) {
      refusals.push(`release ${release} is not in ${region}'s bucket`);
      continue;
    }
    const { manifest, pin } = found;
    const images = imagePins(topology, region, manifest, contents.images);
    if (images.kind === "refused") {
      refusals.push(...images.reasons);
      continue;
    }
    return {
      kind: "chosen" as const,
      reasons: [`release ${release}: ${why}`, ...refusals],
      pins: {
        account: topology.environment.account,
        release: { release, commit: manifest.commit },
        manifest: pin,
        encryptionKey: site.encryptionKey,
        roles: images.roles,
      },
    };
  }
  return { kind: "refused" as const, reasons: [...new Set(refusals)] };
}

function volumePins(
  topology: Topology,
  site: Site,
  region: string,
  point: RecoveryPoint | undefined,
): Record<string, VolumePin[]> {
  const stateful = fixedServers(topology, site).filter(({ role }) => isStateful(topology.roles[role]!));
  return Object.fromEntries(
    stateful.map(({ name, role }) => {
      const set = point && volumeSet(point, name);
      return [
        name,
        topology.roles[role]!.volumes.map((volume): VolumePin => {
          const taken = set?.volumes.find((candidate) => candidate.name === volume.name);
          const snapshotId = taken?.snapshots[region];
          if (taken === undefined || snapshotId === undefined) return { name: volume.name };
          const hasGrown = taken.sizeGiB > volume.sizeGiB;
          return { name: volume.name, snapshotId, ...(hasGrown ? { sizeGiB: taken.sizeGiB } : {}) };
        }),
      ];
    }),
  );
}

function databasePins({ environment }: Topology, data: PlannedData): Pins["databases"] {
  return Object.fromEntries(
    Object.keys(environment.databases).map((name) => [name, databasePin(data, name)]),
  );
}

function backupsTo({ environment }: Topology, { sites }: Pointer): Pick<Pins, "backupsTo"> {
  const region = environment.regions.recovery;
  const site = sites[region];
  return site === undefined ? {} : { backupsTo: { region, encryptionKey: site.encryptionKey } };
}

function ages(moments: readonly DataMoment[], wanted: string): DataSetAge[] {
  return moments.map(({ name, takenAt }) => ({
    name,
    takenAt,
    rpoSeconds: (Date.parse(wanted) - Date.parse(takenAt)) / 1000,
  }));
}

function pointReasons(data: PlannedData, wish: Wish): string[] {
  if (!usesPoint(data))
    return momentsOf(data).length > 0 ? [] : ["no recovery point: the environment has no data"];
  const why = {
    newest: "it is the newest complete one",
    "as-of": "it is the newest complete one of that moment",
    point: "it was asked for",
  };
  return [`point ${data.point!.id}: ${why[wish.kind]}`];
}

/** Of those databases that could go to a second. */
function databaseReasons({ environment }: Topology, data: PlannedData, wish: Wish): string[] {
  if (wish.kind === "point") return [];
  return Object.entries(environment.databases)
    .filter(([name, one]) => data.byTime[name] !== undefined || (!isCluster(one) && one.replicateBackups))
    .map(([name]) => databaseReason(data, name));
}

function noRelease(topology: Topology): string {
  return `no release of ${topology.environment.name} is published; publish one: rekindle publish`;
}
