import type { Tier } from "../edges/aws/snapshot-archive.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { CloudRegion } from "../edges/cloud.ts";
import { waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import { type Part, partsOf } from "../recovery/parts.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import { estimateThaw, snapshotHours, type ThawEstimate } from "../recovery/thaw-cost.ts";
import { requestRelease, type ThawContext, thawRelease } from "./thaw-release.ts";

/** How much of one region's part of a point can be read, and what was asked for. */
export interface ThawedPoint {
  region: string;
  /** Snapshots that were or are cold, with where they lie now. */
  snapshots: { id: string; what: string; tier: Tier["kind"] }[];
  /** Objects of its release that can't be read yet. */
  objects: string[];
  /** What this command asked for; what was under way already costs nothing more. */
  estimate: ThawEstimate;
  state: "readable" | "thawing";
  /** When what was thawed goes back. ISO 8601, UTC. */
  readableUntil?: string;
}

/** AWS says 72 hours at most; what takes longer by a few is still worth waiting for. */
const limitSeconds = (snapshotHours + 8) * 3600;

type ThawRegion = Pick<CloudRegion, "region" | "catalog" | "archive">;

/** Asks for everything that is cold of a point and its release in one region, and waits for nothing. */
export async function requestPoint(
  { catalog, archive, region }: ThawRegion,
  id: string,
  days: number,
  context: Pick<ThawContext, "print">,
): Promise<ThawedPoint> {
  const point = await existing({ catalog, region }, id);
  const parts = volumesOf(point, region);
  const tiers = await archive.tiers(parts.map((part) => part.id));
  let askedGiB = 0;
  for (const part of parts) {
    if (tiers.get(part.id)?.kind !== "archived") continue;
    await archive.thaw(part.id, days);
    askedGiB += part.sizeGiB ?? 0;
    context.print(`snapshot ${part.id} of ${part.what} in ${region} leaves the archive tier`);
  }
  const objects = await requestRelease(catalog.store, point.release.release, context);
  return outcome({ catalog, archive, region }, point, objects, estimateThaw(askedGiB, objects.length, days));
}

/** Waits until all of it can be read, which may take days; a command that ends meanwhile is run again, and waits on. */
export async function waitForPoint(
  place: ThawRegion,
  id: string,
  asked: ThawedPoint,
  context: ThawContext,
): Promise<ThawedPoint> {
  const point = await existing(place, id);
  await thawRelease(place.catalog.store, point.release.release, context);
  await waitFor(
    context,
    `the thaw of ${id} in ${place.region}`,
    limitSeconds,
    async () => {
      const { state } = await outcome(place, point, [], asked.estimate);
      return state === "readable" ? { kind: "ready", value: undefined } : { kind: "waiting" };
    },
    5 * 60_000,
  );
  return outcome(place, point, [], asked.estimate);
}

/** Looks where everything lies; once nothing is cold, the region's catalog says so, and plans may choose the point. */
async function outcome(
  { catalog, archive, region }: ThawRegion,
  point: RecoveryPoint,
  objects: string[],
  estimate: ThawEstimate,
): Promise<ThawedPoint> {
  const parts = volumesOf(point, region);
  const tiers = await archive.tiers(parts.map(({ id }) => id));
  const missing = parts.filter(({ id }) => !tiers.has(id));
  if (missing.length > 0) {
    throw new RekindleError("failed-check", `${point.id} lacks snapshots in ${region}`, {
      details: missing.map(({ id, what }) => `snapshot ${id} of ${what} is gone`),
    });
  }
  const cold = parts
    .map(({ id, what }) => ({ id, what, tier: tiers.get(id)! }))
    .filter(({ tier }) => tier.kind !== "standard");
  const isReadable = objects.length === 0 && cold.every(({ tier }) => tier.kind === "thawed");
  const [readableUntil] = cold.flatMap(({ tier }) => (tier.kind === "thawed" ? tier.until : [])).sort();
  if (isReadable) await noteThaw(catalog, point, readableUntil);
  return {
    region,
    snapshots: cold.map(({ id, what, tier }) => ({ id, what, tier: tier.kind })),
    objects,
    estimate,
    state: isReadable ? "readable" : "thawing",
    ...(isReadable && readableUntil !== undefined ? { readableUntil } : {}),
  };
}

/** One of which nothing lies in the archive tier is not said to: somebody else has brought it back. */
async function noteThaw(
  catalog: Catalog,
  { archived, ...point }: RecoveryPoint,
  readableUntil: string | undefined,
): Promise<void> {
  if (archived?.readableUntil === readableUntil && (archived === undefined) === (readableUntil === undefined))
    return;
  const since = archived?.since ?? readableUntil;
  await catalog.writePoint(
    readableUntil === undefined ? point : { ...point, archived: { since: since!, readableUntil } },
  );
}

async function existing({ catalog, region }: Pick<ThawRegion, "catalog" | "region">, id: string) {
  const point = await catalog.point(id);
  if (point !== undefined && point.status !== "removing") return point;
  throw new RekindleError(
    "bad-input",
    `${region} has no recovery point ${JSON.stringify(id)}${point === undefined ? "" : " any more: a prune is removing it"}; see: rekindle prune`,
  );
}

function volumesOf(point: RecoveryPoint, region: string): Part[] {
  return partsOf(point).filter((part) => part.region === region && part.kind === "snapshot");
}
