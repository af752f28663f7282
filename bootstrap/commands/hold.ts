import type { Catalog } from "../edges/catalog.ts";
import { RekindleError } from "../errors.ts";
import { type Hold, holdId } from "../recovery/hold.ts";

export interface HoldContext {
  /** Every region's, the recovery region's first. */
  catalogs: readonly Catalog[];
  /** ISO 8601, UTC, by the service's clock. */
  now: string;
}

/** Keeps a point from every prune until a moment. Written first and looked at then: a prune that is on its way sees one or the other. */
export async function addHold(
  { catalogs, now }: HoldContext,
  wish: Pick<Hold, "point" | "reason" | "until">,
): Promise<Hold> {
  if (wish.until <= now)
    throw new RekindleError(
      "bad-input",
      `--until ${wish.until} is over: it is ${now}; name a moment to come`,
    );
  const hold: Hold = { version: 1, id: holdId(now), ...wish, createdAt: now };
  for (const catalog of catalogs) await catalog.writeHold(hold);
  const found = await Promise.all(
    catalogs.map(async (catalog) => (await catalog.point(wish.point)) ?? catalog.dump(wish.point)),
  );
  const isThere = found.some((one) => one !== undefined);
  if (isThere && found.every((one) => one?.status !== "removing")) return hold;
  for (const catalog of catalogs) await catalog.removeHold(hold.id);
  throw new RekindleError(
    "refused",
    isThere
      ? `${wish.point} is being removed by a prune; hold another point`
      : `no region has a recovery point or dump ${JSON.stringify(wish.point)}; nothing is held`,
  );
}

/** Ends a hold in every region. */
export async function endHold({ catalogs }: HoldContext, id: string): Promise<Hold> {
  const hold = (await everyHold(catalogs)).find((one) => one.id === id);
  if (hold === undefined)
    throw new RekindleError("bad-input", `there is no hold ${JSON.stringify(id)}; see: rekindle hold list`);
  for (const catalog of catalogs) await catalog.removeHold(id);
  return hold;
}

/** Holds of all regions, the oldest first. */
export async function everyHold(catalogs: readonly Catalog[]): Promise<Hold[]> {
  const found = new Map<string, Hold>();
  for (const holds of await Promise.all(catalogs.map((catalog) => catalog.holds())))
    for (const hold of holds) found.set(hold.id, hold);
  return [...found.values()].sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}
