import type { ReleaseReference } from "../release/manifest.ts";

/** Snapshots of all data volumes of one server, taken by one call. */
export interface VolumeSet {
  kind: "volumes";
  /** The server, such as `db-0`. */
  server: string;
  role: string;
  /** When the source snapshots were started. ISO 8601, UTC. */
  takenAt: string;
  volumes: {
    name: string;
    sizeGiB: number;
    /** Region → snapshot id. A region that is missing here has no copy. */
    snapshots: Record<string, string>;
  }[];
}

/** A snapshot of one RDS instance. */
export interface DatabaseSet {
  kind: "database";
  database: string;
  takenAt: string;
  /** Region → DB snapshot identifier. */
  snapshots: Record<string, string>;
}

export type DataSet = VolumeSet | DatabaseSet;

/**
 * Data snapshots taken together, with the release and the images that were live.
 * `catalog/points/<id>.json`. Only a complete point is ever chosen.
 */
export interface RecoveryPoint {
  version: 1;
  /** `point-<UTC time to the millisecond>`, so that names sort by age. */
  id: string;
  environment: string;
  /** When the last of its snapshots was started: no data set is from after it. ISO 8601, UTC. */
  takenAt: string;
  status: "pending" | "complete" | "incomplete";
  /** What was observed; without a freeze that is `crash`. */
  consistency: "application" | "filesystem" | "crash";
  release: ReleaseReference;
  /** Role → recipe digest of the image that its servers ran. */
  recipes: Record<string, string>;
  sets: DataSet[];
  /** Why it is not complete: one sentence a part. */
  faults: string[];
}

/** One data set's name in messages and reports: `db-0` or `ledger`. */
export function setName(set: DataSet): string {
  return set.kind === "volumes" ? set.server : set.database;
}

export function volumeSet(point: RecoveryPoint, server: string): VolumeSet | undefined {
  return point.sets.find((set): set is VolumeSet => set.kind === "volumes" && set.server === server);
}

export function databaseSet(point: RecoveryPoint, database: string): DatabaseSet | undefined {
  return point.sets.find((set): set is DatabaseSet => set.kind === "database" && set.database === database);
}
