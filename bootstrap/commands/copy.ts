import { RekindleError } from "../errors.ts";
import { canBeFinished, unfinished } from "../recovery/copies.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import { type CopyContext, copyPoint, demandComplete } from "./copy-point.ts";

/**
 * Finishes the copies of one point, or of every point newer than the newest complete one: copies that are under way are
 * waited for, those that are missing or of no use are made. A complete point that is named is looked at whole.
 */
export async function finishCopies(context: CopyContext, id: string | undefined): Promise<RecoveryPoint[]> {
  const points = await knownPoints(context);
  const chosen = id === undefined ? unfinished(points) : [named(points, id)];
  const failures: RekindleError[] = [];
  for (const point of chosen) {
    const unseen = await copyPoint(context, point);
    try {
      demandComplete(point, unseen);
    } catch (error) {
      failures.push(error as RekindleError);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) {
    throw new RekindleError("tool-failed", `${failures.length} recovery points are still not complete`, {
      details: failures.flatMap(({ message, details }) => [message, ...details.map((line) => `  ${line}`)]),
    });
  }
  return chosen;
}

/** From the recovery region's catalog, or from the next one that answers: copies are also made when a region is lost. */
async function knownPoints({ places }: CopyContext): Promise<RecoveryPoint[]> {
  const [home, recovery, ...further] = places;
  const own = further.filter(({ place }) => place.role === undefined);
  const silences: string[] = [];
  for (const { catalog } of [recovery!, home!, ...own]) {
    try {
      return await catalog.points();
    } catch (error) {
      if (!(error instanceof RekindleError) || error.kind !== "unreachable") throw error;
      silences.push(error.message);
    }
  }
  throw new RekindleError("unreachable", "no region's catalog answers", { details: silences });
}

function named(points: readonly RecoveryPoint[], id: string): RecoveryPoint {
  const point = points.find((one) => one.id === id);
  if (point === undefined) {
    const known = points.map((one) => one.id).sort();
    throw new RekindleError(
      "bad-input",
      `there is no recovery point ${JSON.stringify(id)}; ${known.length === 0 ? "take one: rekindle snapshot" : `the newest is ${known.at(-1)}`}`,
    );
  }
  if (point.status === "complete" || canBeFinished(point)) return point;
  throw new RekindleError(
    "refused",
    `recovery point ${id} can't be finished: not everything was taken; take another: rekindle snapshot`,
    { details: point.faults },
  );
}
