import type { ReleaseReference } from "../release/manifest.ts";
import type { Layout } from "./layout.ts";
import type { Restorable } from "./restorable.ts";

/** What a data set is worth, best first: its application opens it as it is, its file system does, or both repair it. */
export type Consistency = "application" | "filesystem" | "crash";

/** One command that ran on a server while a data set was taken. Times are ISO 8601, UTC, by the server's clock. */
export interface Ran {
  what: string;
  exitCode: number;
  startedAt: string;
  endedAt: string;
}

/** What was seen while a data set was taken: the label, and the evidence that it rests on. */
export interface Observation {
  label: Consistency;
  ran: Ran[];
  /** When writes were held back, and when they went on. ISO 8601, UTC. */
  frozen?: { from: string; until: string };
  /** Where the database was, in its own words: a WAL position, or a binary log's file and offset. */
  position?: string;
  /** What else was seen. */
  notes?: string[];
  /** Why the label is no better. */
  reasons: string[];
}

/** Snapshots of all data volumes of one server, taken by one call. */
export interface VolumeSet {
  kind: "volumes";
  /** The server, such as `db-0`. */
  server: string;
  role: string;
  /** The server that the snapshots were taken of, when that is another one: its read replica. */
  takenOf?: string;
  /** When the source snapshots were started, by EC2's clock. ISO 8601, UTC. */
  takenAt: string;
  observed: Observation;
  /** How the volumes made one file system; absent when nobody could look. */
  layout?: Layout;
  volumes: {
    name: string;
    sizeGiB: number;
    /** Place → snapshot id: a region, or a vault's `<account>/<region>`. A place that is missing here has no copy. */
    snapshots: Record<string, string>;
  }[];
}

/** A snapshot of one RDS instance or cluster. */
export interface DatabaseSet {
  kind: "database";
  database: string;
  takenAt: string;
  observed: Observation;
  /** Place → identifier of the DB snapshot, or of the DB cluster snapshot. */
  snapshots: Record<string, string>;
  /** To which seconds it could be restored then, in the region where it was taken. A plan asks its own region. */
  backups?: Restorable[];
}

export type DataSet = VolumeSet | DatabaseSet;

/** Whether all parts of a point are in one place and can be read there; else why not, one sentence a part. */
export type Completeness = "complete" | string[];

/**
 * Data snapshots taken together, with the release and the images that were live.
 * One file of each region's catalog, whose key `point-index.ts` writes. A rebuild takes only what is complete in its region.
 */
export interface RecoveryPoint {
  version: 1;
  /** `point-<UTC time to the millisecond>`, so that names sort by age. */
  id: string;
  environment: string;
  /** When the last of its snapshots was started: no data set is from after it. ISO 8601, UTC. */
  takenAt: string;
  /**
   * In the region of the catalog that it is read from; `removing` once a prune has begun: what it consists of may be
   * gone. A command that takes or copies the point holds the least of all places.
   */
  status: "pending" | "complete" | "incomplete" | "removing";
  /** Place → how much of the point is there. */
  places?: Record<string, Completeness>;
  /** The least that was observed of its data sets. */
  consistency: Consistency;
  release: ReleaseReference;
  /** Role → recipe digest of the image that its servers ran. */
  recipes: Record<string, string>;
  sets: DataSet[];
  /** What went wrong while it was taken, one sentence a part: with these it is complete nowhere. */
  faults: string[];
  /** Since when its volumes' snapshots lie in the archive tier, from which nothing is restored before a thaw; and until when one lasts. */
  archived?: { since: string; readableUntil?: string };
}

const best: readonly Consistency[] = ["application", "filesystem", "crash"];

/** The least of some labels; a point without data has nothing that could be torn. */
export function weakest(labels: readonly Consistency[]): Consistency {
  return best[Math.max(0, ...labels.map((label) => best.indexOf(label)))]!;
}

/** True when a rebuild in that place needs nothing that is not there. */
export function isCompleteIn(point: RecoveryPoint, place: string): boolean {
  if (point.status === "removing" || point.faults.length > 0) return false;
  // Without a word of places, the status is all that is known.
  return point.places === undefined ? point.status === "complete" : point.places[place] === "complete";
}

/** A data set that nobody made quiet. */
export function unobserved(reason: string): Observation {
  return { label: "crash", ran: [], reasons: [reason] };
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
