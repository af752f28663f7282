import type { Site, Topology } from "../config/schema.ts";
import { fixedServers, isStateful } from "../config/servers.ts";
import { type ServerImage, takenIdentity } from "../image/image.ts";
import type { Manifest, ManifestPin, Pointer } from "../release/manifest.ts";
import { choosePoint, type Expected, type Wish } from "./choose.ts";
import type { Pins, VolumePin } from "./pins.ts";
import type { DataSetAge, RecoveryPlan } from "./plan.ts";
import { databaseSet, type RecoveryPoint, setName, volumeSet } from "./point.ts";
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

export interface PlanRequest {
  topology: Topology;
  region: string;
  wish: Wish;
  /** ISO 8601, UTC. */
  now: string;
  contents: CatalogContents;
}

export type Planned = { kind: "planned"; plan: RecoveryPlan } | { kind: "refused"; reasons: string[] };

/** Resolves every pin of a rebuild, with reasons; or says why there is nothing to rebuild from. */
export function resolvePlan(request: PlanRequest): Planned {
  const { topology, region, wish, now, contents } = request;
  const expected = { ...expectedData(topology, region), now };
  const hasData = Object.keys(expected.servers).length + expected.databases.length > 0;
  const choice = choosePoint(contents.points, wish, expected);
  const more = contents.skipped ? [`${contents.skipped} more points are passed over for such reasons`] : [];
  // The newest state of an environment without data needs no point; of a past one only a point knows the release.
  if (choice.kind === "none" && (hasData || wish.kind !== "newest"))
    return { kind: "refused", reasons: [...choice.reasons, ...more] };
  const point = choice.kind === "chosen" ? choice.point : undefined;

  const release = chooseRelease(request, point);
  if (release.kind === "refused") return release;
  const id = `plan-${now.replace(/[-:.]/g, "").toLowerCase()}`;
  return {
    kind: "planned",
    plan: {
      version: 1,
      id,
      environment: topology.environment.name,
      region,
      createdAt: now,
      ...(wish.kind === "as-of" ? { asOf: wish.moment } : {}),
      ...(point === undefined ? {} : { point: point.id, consistency: point.consistency }),
      dataSets:
        point === undefined
          ? []
          : ages(point, wish.kind === "as-of" && wish.moment < now ? wish.moment : now),
      reasons: [...pointReasons(point, wish), ...more, ...release.reasons],
      passedOver: choice.kind === "chosen" ? choice.passedOver : [],
      pins: {
        site: "recovery",
        region,
        ...release.pins,
        volumes: volumePins(topology, "recovery", region, point),
        databases: databasePins(topology, region, point),
      },
    },
  };
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
      databases: databasePins(topology, region, undefined),
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

/** The current release when the newest is wanted; the point's own release for a moment of the past. */
function chooseRelease(request: PlanRequest, point: RecoveryPoint | undefined) {
  const { topology, region, wish, contents } = request;
  const { pointer } = contents;
  const site = pointer?.sites[region];
  if (pointer === undefined || site === undefined)
    return { kind: "refused" as const, reasons: [noRelease(topology)] };
  const candidates = [
    ...(wish.kind === "newest" ? [{ release: pointer.release, why: "it is the current one" }] : []),
    ...(point === undefined
      ? []
      : [{ release: point.release.release, why: `it was live when ${point.id} was taken` }]),
  ];
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

function imagePins(
  topology: Topology,
  region: string,
  manifest: Manifest,
  images: readonly ServerImage[],
): { kind: "found"; roles: Pins["roles"] } | { kind: "refused"; reasons: string[] } {
  const roles: Pins["roles"] = {};
  const reasons: string[] = [];
  for (const role of Object.keys(topology.environment.roles)) {
    const inRelease = manifest.roles[role];
    if (inRelease === undefined) {
      reasons.push(
        `release ${manifest.release} has no role ${role}; publish a commit that has it: rekindle publish`,
      );
      continue;
    }
    const image = images.find(({ recipe }) => recipe === inRelease.recipe);
    const imageId = image?.images[region];
    if (imageId === undefined) {
      reasons.push(
        `release ${manifest.release} needs ${whatImage(topology, role, inRelease.recipe, image !== undefined, region)}`,
      );
      continue;
    }
    roles[role] = { imageId, recipe: inRelease.recipe, userData: inRelease.userData };
  }
  return reasons.length === 0 ? { kind: "found", roles } : { kind: "refused", reasons };
}

/** The image that a release lacks, and what brings it. */
function whatImage(
  topology: Topology,
  role: string,
  recipe: string,
  isElsewhere: boolean,
  region: string,
): string {
  const { image } = topology.roles[role]!;
  if (!("taken" in image) || takenIdentity(image.taken) !== recipe)
    return `an image of recipe ${recipe.slice(0, 12)} for role ${role}, and ${isElsewhere ? `it has no copy in ${region}` : "none was baked"}; bake it: rekindle bake`;
  const lack = isElsewhere ? `has no copy in ${region}` : "was not taken";
  return `image ${image.taken} for role ${role}, which ${lack}; take it: rekindle image <server> --name ${image.taken}`;
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

function databasePins(
  topology: Topology,
  region: string,
  point: RecoveryPoint | undefined,
): Pins["databases"] {
  return Object.fromEntries(
    Object.keys(topology.environment.databases).map((name) => {
      const snapshotId = point && databaseSet(point, name)?.snapshots[region];
      return [name, snapshotId === undefined ? {} : { snapshotId }];
    }),
  );
}

function ages(point: RecoveryPoint, moment: string): DataSetAge[] {
  return point.sets.map((set) => ({
    name: setName(set),
    takenAt: set.takenAt,
    rpoSeconds: (Date.parse(moment) - Date.parse(set.takenAt)) / 1000,
  }));
}

function pointReasons(point: RecoveryPoint | undefined, wish: Wish): string[] {
  if (point === undefined) return ["no recovery point: the environment has no data"];
  const why = {
    newest: "it is the newest complete one",
    "as-of": "it is the newest complete one of that moment",
    point: "it was asked for",
  };
  return [`point ${point.id}: ${why[wish.kind]}`];
}

function noRelease(topology: Topology): string {
  return `no release of ${topology.environment.name} is published; publish one: rekindle publish`;
}
