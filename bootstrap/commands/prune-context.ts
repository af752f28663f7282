import type { Topology } from "../config/schema.ts";
import type { Account } from "../edges/aws/account.ts";
import type { CloudRegion } from "../edges/cloud.ts";
import type { Leftover } from "../recovery/leftovers.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import { type Protections, protectionsOf } from "../recovery/protections.ts";
import type { Decision, RetentionPolicy } from "../recovery/retention.ts";

export type PruneRegion = Pick<
  CloudRegion,
  "region" | "catalog" | "volumes" | "databases" | "clusters" | "images" | "holdings" | "archive"
>;

export interface PruneContext {
  topology: Topology;
  policy: RetentionPolicy;
  account: Account;
  /** Every region of the environment, the recovery region first. None may be left out: each one's word counts. */
  regions: readonly PruneRegion[];
  /** ISO 8601, UTC, by the service's clock: what ages are counted from. */
  now: string;
  /** Ends it between two batches: the user asked to stop, or the lock is lost. */
  signal: AbortSignal;
  /** Told of each point as it is decided. */
  tell(decision: Decision): void;
}

/** What pinned plans and holds of all regions keep from going, now. */
export async function readProtections(regions: readonly PruneRegion[], now: string): Promise<Protections> {
  const each = await Promise.all(
    regions.map(async ({ catalog }) => Promise.all([catalog.pinnedPlan(), catalog.holds()])),
  );
  return protectionsOf(
    each.flatMap(([pinned]) => pinned ?? []),
    each.flatMap(([, holds]) => holds),
    now,
  );
}

/** What removes a thing of one kind. */
export function removerOf(place: PruneRegion, kind: Leftover["kind"]): { remove(id: string): Promise<void> } {
  const removers = {
    snapshot: place.volumes,
    "DB snapshot": place.databases,
    "DB cluster snapshot": place.clusters,
    image: place.images,
  };
  return removers[kind];
}

/** A point as the first region that has it tells it. */
export async function anyOf(regions: readonly PruneRegion[], id: string): Promise<RecoveryPoint | undefined> {
  for (const { catalog } of regions) {
    const point = await catalog.point(id);
    if (point !== undefined) return point;
  }
  return undefined;
}
