import { choosePoint, type Expected } from "../recovery/choose.ts";
import { type Consistency, type RecoveryPoint, setName } from "../recovery/point.ts";
import type { PointInTime } from "../recovery/points-in-time.ts";
import type { Looked, Outcome } from "./outcome.ts";

/** How old one data set's newest complete copy in one region is, against the environment's RPO. */
export interface DataSetStatus {
  name: string;
  outcome: Outcome;
  rpoSeconds: number;
  /** Absent where there is no copy, or nobody could look. */
  newest?: {
    /** A recovery point or a dump; absent where a rebuild would use the database's log, to its latest restorable time. */
    point?: string;
    takenAt: string;
    ageSeconds: number;
    consistency: Consistency;
  };
  found: string;
}

/** What a region's data sets are told by. */
export interface RegionCopies {
  points: readonly RecoveryPoint[];
  /** Database → the last second that it can be restored to. */
  byTime: Readonly<Record<string, PointInTime>>;
  /** What a plan would want of a point. */
  wanted: Expected;
  /** ISO 8601, UTC, by the service's clock. */
  now: string;
}

/** A point from so long after now was taken by a clock that is wrong: nobody knows how old it is. */
const clockToleranceSeconds = 60;

/**
 * Every data set that the environment's description demands, by the newest state that a rebuild there would use: as a
 * plan does, by a database's log where that is at hand, else by the newest point.
 */
export function dataSetStatuses(
  looked: Looked<RegionCopies>,
  expected: Expected,
  rpoSeconds: number,
): DataSetStatus[] {
  const names = [...Object.keys(expected.servers), ...expected.databases];
  if (looked.kind === "could-not-look")
    return names.map((name) => ({ name, outcome: "could-not-look", rpoSeconds, found: looked.reason }));
  const { points, byTime, wanted, now } = looked.value;
  const choice = choosePoint(points, { kind: "newest" }, wanted);
  return names.map((name) => {
    const log = expected.databases.includes(name) ? byTime[name] : undefined;
    if (log !== undefined) return statusOf(name, ofLog(log), rpoSeconds, now);
    if (choice.kind === "chosen") return statusOf(name, ofPoint(name, choice.point), rpoSeconds, now);
    return { name, outcome: "failed", rpoSeconds, found: choice.reasons.slice(0, 2).join(" ") };
  });
}

export type Copy = Omit<NonNullable<DataSetStatus["newest"]>, "ageSeconds">;

/** A database that is brought forward through its log comes up as after a crash. */
function ofLog({ restoreTime }: PointInTime): Copy {
  return { takenAt: restoreTime, consistency: "crash" };
}

function ofPoint(name: string, point: RecoveryPoint): Copy {
  const { takenAt, observed } = point.sets.find((candidate) => setName(candidate) === name)!;
  return { point: point.id, takenAt, consistency: observed.label };
}

/** One copy's age, judged. */
export function statusOf(name: string, copy: Copy, rpoSeconds: number, now: string): DataSetStatus {
  const ageSeconds = (Date.parse(now) - Date.parse(copy.takenAt)) / 1000;
  const from = copy.point ?? "latest restorable time of its log";
  if (ageSeconds < -clockToleranceSeconds)
    return {
      name,
      outcome: "could-not-look",
      rpoSeconds,
      found: `${from} says that it was taken at ${copy.takenAt}, which is still to come: the clock that it was taken by was wrong`,
    };
  return {
    name,
    outcome: ageSeconds <= rpoSeconds ? "passed" : "failed",
    rpoSeconds,
    newest: { ...copy, ageSeconds },
    found: `${ageSeconds.toFixed(0)} s old, RPO ${rpoSeconds} s, ${copy.consistency} consistent, ${from}`,
  };
}
