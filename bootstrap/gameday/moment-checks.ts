import { type Check, check } from "../recovery/check.ts";
import type { Pins } from "../recovery/pins.ts";
import type { RecoveryPlan } from "../recovery/plan.ts";
import { toTheSecond } from "../recovery/points-in-time.ts";
import type { Row } from "./rows.ts";

/** How long before a moment a row may have been begun, and committed only after it. */
const underWayMs = 1_000;

/** Of a day to a past moment: each data set is of that moment or before, and what goes to the second is of that second. */
export function momentChecks({ pins, dataSets }: RecoveryPlan, asOf: string): Check[] {
  return dataSets.map(({ name, takenAt }) => {
    if (goesToTheSecond(pins, name)) return check(`moment of ${name}`, toTheSecond(asOf), takenAt);
    return {
      name: `moment of ${name}`,
      passed: Date.parse(takenAt) <= Date.parse(asOf),
      expected: `${asOf} at the latest`,
      found: takenAt,
    };
  });
}

/** The same by the rows: none after the moment came back, and all that were there when the data was taken. */
export function rowsOfMoment(
  { dataSets, pins }: RecoveryPlan,
  asOf: string,
  written: readonly Row[],
  cameBack: Row | undefined,
): Check[] {
  const taken = dataSets.map(({ takenAt }) => takenAt).sort();
  const oldest = taken[0] ?? asOf;
  // A snapshot's own instant is a little later than the time that the point tells.
  const latest = dataSets.every(({ name }) => goesToTheSecond(pins, name)) ? taken.at(-1)! : asOf;
  const there = written.filter(({ at }) => Date.parse(at) <= Date.parse(oldest));
  // The last one may have been under way.
  const [before, last] = [there.at(-2), there.at(-1)];
  const isLate = last !== undefined && Date.parse(oldest) - Date.parse(last.at) < underWayMs;
  const needed = isLate ? before : last;
  const found = cameBack === undefined ? "none" : `row ${cameBack.id} of ${cameBack.at}`;
  return [
    {
      name: "no row is newer than the moment",
      passed: cameBack !== undefined && Date.parse(cameBack.at) <= Date.parse(latest),
      expected: `a row of ${latest} at the latest`,
      found,
    },
    {
      name: `every row until ${oldest} came back`,
      passed: cameBack !== undefined && cameBack.id >= (needed?.id ?? 0),
      expected: needed === undefined ? "any row" : `row ${needed.id} or a newer one`,
      found,
    },
  ];
}

function goesToTheSecond({ databases }: Pins, dataSet: string): boolean {
  return databases[dataSet]?.kind === "point-in-time";
}
