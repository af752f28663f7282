import type { DatabasePin } from "./database-pin.ts";
import {
  type Consistency,
  type DataSet,
  databaseSet,
  type RecoveryPoint,
  setName,
  weakest,
} from "./point.ts";
import type { PointInTime } from "./points-in-time.ts";
import { describeSource } from "./restorable.ts";
import type { DataMoment } from "./skew.ts";

/** Where the data of a plan comes from: a recovery point, and the second that each of some databases goes back to. */
export interface PlannedData {
  region: string;
  point: RecoveryPoint | undefined;
  byTime: Readonly<Record<string, PointInTime>>;
}

/** Every data set that comes back, and from when. */
export function momentsOf(data: PlannedData): DataMoment[] {
  return [
    ...setsOf(data).map((set) => ({ name: setName(set), takenAt: set.takenAt })),
    ...inTime(data).map(({ database, restoreTime }) => ({ name: database, takenAt: restoreTime })),
  ];
}

/** What the data is worth together: what a database recovers from its log is what a crash would have left. */
export function consistencyOf(data: PlannedData): Consistency | undefined {
  if (momentsOf(data).length === 0) return undefined;
  const ofPoint = usesPoint(data) ? [data.point!.consistency] : [];
  return weakest([...ofPoint, ...inTime(data).map(() => "crash" as const)]);
}

/** True when the point gives a data set, and not only the release. */
export function usesPoint(data: PlannedData): boolean {
  return setsOf(data).length > 0;
}

export function databasePin(data: PlannedData, database: string): DatabasePin {
  if (goesToTheSecond(data, database)) {
    const { source, restoreTime } = data.byTime[database]!;
    return { kind: "point-in-time", source, restoreTime };
  }
  const snapshotId = data.point && databaseSet(data.point, database)?.snapshots[data.region];
  return snapshotId === undefined ? { kind: "fresh" } : { kind: "snapshot", snapshotId };
}

export function databaseReason(data: PlannedData, database: string): string {
  const time = data.byTime[database];
  if (time === undefined)
    return `${database}: from its snapshot, since no automated backup in ${data.region} reaches that moment`;
  const window = `which reaches from ${time.from} until ${time.until}`;
  return goesToTheSecond(data, database)
    ? `${database}: to ${time.restoreTime} from ${describeSource(time.source)}, ${window}`
    : `${database}: from its snapshot, which is newer than ${describeSource(time.source)}, ${window}`;
}

function setsOf(data: PlannedData): DataSet[] {
  const sets = data.point?.sets ?? [];
  return sets.filter((set) => set.kind === "volumes" || !goesToTheSecond(data, set.database));
}

function inTime(data: PlannedData): PointInTime[] {
  return Object.values(data.byTime).filter(({ database }) => goesToTheSecond(data, database));
}

/** A backup whose replication has stopped may end before the newest snapshot. */
function goesToTheSecond({ region, point, byTime }: PlannedData, database: string): boolean {
  const time = byTime[database];
  if (time === undefined) return false;
  const set = point && databaseSet(point, database);
  return set?.snapshots[region] === undefined || Date.parse(set.takenAt) <= Date.parse(time.restoreTime);
}
