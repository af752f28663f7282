import type { Wish } from "./choose.ts";
import type { Restorable } from "./restorable.ts";

/** The second that one database goes back to. */
export interface PointInTime extends Restorable {
  /** ISO 8601, UTC, to the second, as RDS takes it. */
  restoreTime: string;
}

/**
 * Database → the second nearest to what is wanted that it can be restored to, and never one after it. Databases without
 * one are not in it, and a recovery point that was asked for is its snapshots.
 */
export function pointsInTime(restorable: readonly Restorable[], wish: Wish): Record<string, PointInTime> {
  if (wish.kind === "point") return {};
  const nearest: Record<string, PointInTime> = {};
  for (const one of restorable) {
    const until = wish.kind === "as-of" && wish.moment < one.until ? wish.moment : one.until;
    const restoreTime = toTheSecond(until);
    if (Date.parse(restoreTime) < Date.parse(one.from)) continue;
    const known = nearest[one.database];
    if (known === undefined || known.restoreTime < restoreTime)
      nearest[one.database] = { ...one, restoreTime };
  }
  return nearest;
}

/** The last whole second that is not after a moment. */
export function toTheSecond(moment: string): string {
  const whole = Math.floor(Date.parse(moment) / 1000) * 1000;
  return new Date(whole).toISOString().replace(".000Z", "Z");
}
