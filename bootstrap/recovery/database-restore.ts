import type { DatabasePin } from "./database-pin.ts";
import { databaseSet, type RecoveryPoint } from "./point.ts";
import { toTheSecond } from "./points-in-time.ts";
import type { Restorable } from "./restorable.ts";

/** The state of a database that is wanted back, in its own region. */
export type RestoreWish = { kind: "as-of"; moment: string } | { kind: "point"; id: string };

/** What instances are called while one is brought back beside another, and then in its place. */
export interface RestoreNames {
  /** The present one's, which the restored one takes over. */
  identifier: string;
  /** What the restored instance is called until it takes its place. */
  aside: string;
  /** What the present one is called from then on. It is kept. */
  kept: string;
}

export interface DatabaseRestore extends RestoreNames {
  database: string;
  from: Exclude<DatabasePin, { kind: "fresh" }>;
  /** The moment of the data. ISO 8601, UTC. */
  takenAt: string;
  reasons: string[];
}

export type DatabaseRestorePlan =
  | { kind: "planned"; restore: DatabaseRestore }
  | { kind: "refused"; reasons: string[] };

export interface RestoreRequest {
  database: string;
  names: RestoreNames;
  region: string;
  wish: RestoreWish;
  restorable: readonly Restorable[];
  points: readonly RecoveryPoint[];
}

/** By the wish alone, so that a run that goes on for another one finds what that has made. */
export function restoreNames(identifier: string, wish: RestoreWish): RestoreNames {
  const wanted = wish.kind === "point" ? wish.id.replace(/^point-/, "") : toTheSecond(wish.moment);
  const stamp = wanted.replace(/[-:]/g, "").toLowerCase();
  return {
    identifier,
    aside: shortened(identifier, `at-${stamp}`),
    kept: shortened(identifier, `before-${stamp}`),
  };
}

/** Finds what a database is restored from: its own log where that reaches the moment, else a snapshot before it. */
export function planDatabaseRestore(request: RestoreRequest): DatabaseRestorePlan {
  const { wish } = request;
  const live = request.restorable.find(
    ({ database, source }) => database === request.database && source.kind === "live",
  );
  if (wish.kind === "as-of" && live !== undefined) {
    const restoreTime = toTheSecond(wish.moment);
    const window = `its log reaches from ${live.from} until ${live.until}`;
    if (Date.parse(restoreTime) > Date.parse(live.until))
      return { kind: "refused", reasons: [`${request.database} can't go to ${restoreTime}: ${window}`] };
    if (Date.parse(restoreTime) >= Date.parse(live.from)) {
      const from = { kind: "point-in-time", source: live.source, restoreTime } as const;
      return planned(request, from, restoreTime, `to the second, since ${window}`);
    }
  }
  return fromSnapshot(request);
}

function fromSnapshot(request: RestoreRequest): DatabaseRestorePlan {
  const { database, region, wish, points } = request;
  const newestFirst = [...points].sort((a, b) => b.takenAt.localeCompare(a.takenAt));
  for (const point of newestFirst) {
    if (wish.kind === "point" && point.id !== wish.id) continue;
    // What a prune has begun to remove may be gone in the middle of the restore.
    if (point.status === "removing") continue;
    const set = databaseSet(point, database);
    const snapshotId = set?.snapshots[region];
    if (set === undefined || snapshotId === undefined) continue;
    if (wish.kind === "as-of" && Date.parse(set.takenAt) > Date.parse(wish.moment)) continue;
    const why = wish.kind === "point" ? "it was asked for" : `it is the newest before ${wish.moment}`;
    const from = { kind: "snapshot", snapshotId } as const;
    return planned(request, from, set.takenAt, `from its snapshot of ${point.id}: ${why}`);
  }
  const wanted =
    wish.kind === "point" ? `in point ${wish.id} that no prune is removing` : `of ${wish.moment} or before`;
  return {
    kind: "refused",
    reasons: [`${region} has no snapshot of ${database} ${wanted}, and no log that reaches it`],
  };
}

function planned(
  { database, names }: RestoreRequest,
  from: DatabaseRestore["from"],
  takenAt: string,
  reason: string,
): DatabaseRestorePlan {
  return { kind: "planned", restore: { database, ...names, from, takenAt, reasons: [reason] } };
}

/** RDS takes 63 characters, no hyphen at the end and no two in a row. */
function shortened(identifier: string, suffix: string): string {
  return `${identifier.slice(0, 63 - suffix.length - 1).replace(/-+$/, "")}-${suffix}`;
}
