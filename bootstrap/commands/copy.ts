import { underLock } from "../edges/bucket-lock.ts";
import type { Catalog } from "../edges/catalog.ts";
import { RekindleError } from "../errors.ts";
import { canBeFinished, unfinished } from "../recovery/copies.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import { type CopyContext, copyLock, copyPoint, demandComplete } from "./copy-point.ts";

/** So many points are looked at for one that a rebuild can take. */
const newest = 50;

/**
 * Finishes the copies of one point, or of the newest points down to the first that a rebuild can take: copies that are under way are
 * waited for, those that are missing or of no use are made. A complete point that is named is looked at whole.
 */
export async function finishCopies(
  context: CopyContext,
  id: string | undefined,
  waitMs = 0,
): Promise<RecoveryPoint[]> {
  const catalog = await answeringCatalog(context);
  return underLock(catalog.store, { ...context, name: copyLock, waitMs }, (signal) =>
    finish({ ...context, signal }, catalog, id),
  );
}

async function finish(
  context: CopyContext,
  catalog: Catalog,
  id: string | undefined,
): Promise<RecoveryPoint[]> {
  const chosen = id === undefined ? await lacking(context, catalog) : [await named(catalog, id)];
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

/** The recovery region's, or the next one's that answers: copies are also made when a region is lost. */
async function answeringCatalog({ places }: CopyContext): Promise<Catalog> {
  const [home, recovery, ...further] = places;
  const own = further.filter(({ place }) => place.role === undefined);
  const silences: string[] = [];
  for (const { catalog } of [recovery!, home!, ...own]) {
    try {
      await catalog.store.inspect();
      return catalog;
    } catch (error) {
      if (!(error instanceof RekindleError) || error.kind !== "unreachable") throw error;
      silences.push(error.message);
    }
  }
  throw new RekindleError("unreachable", "no region's catalog answers", { details: silences });
}

async function lacking({ places }: CopyContext, catalog: Catalog): Promise<RecoveryPoint[]> {
  const names = places.map(({ place }) => place.name);
  return unfinished(await catalog.points(newest), names, names[1]!);
}

async function named(catalog: Catalog, id: string): Promise<RecoveryPoint> {
  const point = await catalog.point(id);
  if (point === undefined) {
    const [last] = await catalog.points(1);
    throw new RekindleError(
      "bad-input",
      `there is no recovery point ${JSON.stringify(id)}; ${last === undefined ? "take one: rekindle snapshot" : `the newest is ${last.id}`}`,
    );
  }
  if (canBeFinished(point)) return point;
  if (point.archived !== undefined) {
    throw new RekindleError(
      "refused",
      `the snapshots of ${id} lie in the archive tier, and nothing is copied out of it; thaw them first: rekindle thaw ${id}`,
    );
  }
  throw new RekindleError(
    "refused",
    `recovery point ${id} can't be finished: ${point.status === "removing" ? "a prune is removing it" : "not everything was taken"}; take another: rekindle snapshot`,
    { details: point.faults },
  );
}
