import { durationSeconds } from "../config/duration.ts";

/** One data set's moment. ISO 8601, UTC. */
export interface DataMoment {
  name: string;
  takenAt: string;
}

/** How far apart the data sets of a plan lie. */
export interface Skew {
  seconds: number;
  oldest: DataMoment;
  newest: DataMoment;
}

/** Nothing when there are not two that could lie apart. */
export function skewOf(sets: readonly DataMoment[]): Skew | undefined {
  if (sets.length < 2) return undefined;
  const sorted = [...sets].sort((a, b) => Date.parse(a.takenAt) - Date.parse(b.takenAt));
  const oldest = momentOf(sorted[0]!);
  const newest = momentOf(sorted.at(-1)!);
  return { seconds: (Date.parse(newest.takenAt) - Date.parse(oldest.takenAt)) / 1000, oldest, newest };
}

/** Why data sets must not come back together, or nothing. */
export function tooFarApart(sets: readonly DataMoment[], maxSkew: string | undefined): string[] {
  const skew = skewOf(sets);
  if (maxSkew === undefined || skew === undefined || skew.seconds <= durationSeconds(maxSkew)) return [];
  const { seconds, oldest, newest } = skew;
  return [
    `its data would lie ${seconds} s apart, ${oldest.name} of ${oldest.takenAt} and ${newest.name} of ${newest.takenAt}, ` +
      `and objectives.maxSkew is ${maxSkew}`,
  ];
}

export function describeSkew({ seconds, oldest, newest }: Skew): string {
  return `${seconds.toFixed(1)} s between ${oldest.name} and ${newest.name}`;
}

function momentOf({ name, takenAt }: DataMoment): DataMoment {
  return { name, takenAt };
}
