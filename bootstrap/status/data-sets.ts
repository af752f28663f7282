import { choosePoint, type Expected } from "../recovery/choose.ts";
import { type Consistency, type RecoveryPoint, setName } from "../recovery/point.ts";
import type { Looked, Outcome } from "./outcome.ts";

/** How old one data set's newest complete copy in one region is, against the environment's RPO. */
export interface DataSetStatus {
  name: string;
  outcome: Outcome;
  rpoSeconds: number;
  /** Absent where there is no copy, or nobody could look. */
  newest?: { point: string; takenAt: string; ageSeconds: number; consistency: Consistency };
  found: string;
}

/** A point from so long after now was taken by a clock that is wrong: nobody knows how old it is. */
const clockToleranceSeconds = 60;

/** Every data set that the environment's description demands, by the newest point that a rebuild there could use. */
export function dataSetStatuses(
  looked: Looked<{ points: readonly RecoveryPoint[]; now: string }>,
  expected: Expected,
  rpoSeconds: number,
): DataSetStatus[] {
  const names = [...Object.keys(expected.servers), ...expected.databases];
  if (looked.kind === "could-not-look")
    return names.map((name) => ({ name, outcome: "could-not-look", rpoSeconds, found: looked.reason }));
  const { points, now } = looked.value;
  const choice = choosePoint(points, { kind: "newest" }, { ...expected, now });
  if (choice.kind === "none") {
    const found = choice.reasons.slice(0, 2).join(" ");
    return names.map((name) => ({ name, outcome: "failed", rpoSeconds, found }));
  }
  return names.map((name) => statusOf(name, choice.point, rpoSeconds, now));
}

function statusOf(name: string, point: RecoveryPoint, rpoSeconds: number, now: string): DataSetStatus {
  const set = point.sets.find((candidate) => setName(candidate) === name)!;
  const ageSeconds = (Date.parse(now) - Date.parse(set.takenAt)) / 1000;
  const newest = {
    point: point.id,
    takenAt: set.takenAt,
    ageSeconds,
    consistency: set.observed.label,
  };
  if (ageSeconds < -clockToleranceSeconds)
    return {
      name,
      outcome: "could-not-look",
      rpoSeconds,
      found: `${point.id} says that it was taken at ${set.takenAt}, which is still to come: the clock that it was taken by was wrong`,
    };
  return {
    name,
    outcome: ageSeconds <= rpoSeconds ? "passed" : "failed",
    rpoSeconds,
    newest,
    found: `${ageSeconds.toFixed(0)} s old, RPO ${rpoSeconds} s, ${set.observed.label} consistent, ${point.id}`,
  };
}
