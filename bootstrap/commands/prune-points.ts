import { inParallel } from "../collect/in-parallel.ts";
import { partsOf } from "../recovery/parts.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import { type PruneContext, type PruneRegion, readProtections } from "./prune-context.ts";

/** EC2 takes some ten deletions a second before it asks to slow down. */
const atOnce = 8;

/**
 * Removes points with all that they consist of, in every region. Marked first, so that no plan chooses them; then the
 * pins and holds are read again, for one may have come while the mark was on its way; then the snapshots; the entry
 * last, so that a killed prune finds what it has begun. Gives what went wrong.
 */
export async function removePoints(context: PruneContext, ids: readonly string[]): Promise<string[]> {
  const { regions, now } = context;
  const marked = await inParallel(atOnce, ids, async (id) => ({ id, before: await mark(regions, id) }));
  const { points: reasons } = await readProtections(regions, now);
  const faults: string[] = [];
  const doomed: typeof marked = [];
  for (const one of marked) {
    const reason = reasons.get(one.id)?.[0];
    if (reason === undefined) {
      doomed.push(one);
      continue;
    }
    for (const { region, point } of one.before) await catalogOf(regions, region).unmarkPoint(point);
    faults.push(`${one.id} stays: ${reason} needs it now`);
  }
  const snapshots = await snapshotsOf(context, doomed);
  await inParallel(atOnce, doomed, async ({ id }) => {
    const failed = await removeSnapshots(regions, snapshots.get(id) ?? []);
    faults.push(...failed.map((fault) => `${id}: ${fault}`));
    if (failed.length > 0) return;
    for (const { catalog } of regions) await catalog.removePoint(id);
  });
  return faults;
}

/** Marks a point in every region that has it; gives it as it was there. */
async function mark(regions: readonly PruneRegion[], id: string) {
  const before: { region: string; point: RecoveryPoint }[] = [];
  for (const { region, catalog } of regions) {
    const point = await catalog.point(id);
    if (point === undefined) continue;
    before.push({ region, point });
    await catalog.writePoint({ ...point, status: "removing" });
  }
  return before;
}

interface Doomed {
  kind: "snapshot" | "DB snapshot";
  region: string;
  id: string;
}

/** What points consist of by their entries, and by tags: a command that was killed has noted nothing in an entry. */
async function snapshotsOf(
  { regions, topology }: PruneContext,
  points: readonly { id: string; before: readonly { point: RecoveryPoint }[] }[],
): Promise<Map<string, Doomed[]>> {
  const found = new Map<string, Map<string, Doomed>>(points.map(({ id }) => [id, new Map()]));
  const add = (point: string, one: Doomed) => found.get(point)?.set(`${one.region} ${one.id}`, one);
  for (const { id, before } of points)
    for (const { point } of before)
      for (const { kind, region, id: snapshot } of partsOf(point)) add(id, { kind, region, id: snapshot });
  const { name, databases } = topology.environment;
  const ids = points.map(({ id }) => id);
  for (const { region, holdings } of ids.length === 0 ? [] : regions) {
    for await (const page of holdings.snapshots(name, ids))
      for (const { id, point } of page) add(point, { kind: "snapshot", region, id });
    if (Object.keys(databases).length === 0) continue;
    for (const { id, point } of await holdings.databaseSnapshots(name))
      add(point, { kind: "DB snapshot", region, id });
  }
  return new Map([...found].map(([id, doomed]) => [id, [...doomed.values()]]));
}

async function removeSnapshots(
  regions: readonly PruneRegion[],
  snapshots: readonly Doomed[],
): Promise<string[]> {
  const outcomes = await inParallel(atOnce, snapshots, async ({ kind, region, id }) => {
    const place = regions.find((one) => one.region === region);
    if (place === undefined)
      return [`${kind} ${id} lies in ${region}, which is no region of the environment`];
    try {
      await (kind === "snapshot" ? place.volumes : place.databases).remove(id);
      return [];
    } catch (error) {
      return [`${kind} ${id} in ${region} was not removed: ${(error as Error).message}`];
    }
  });
  return outcomes.flat();
}

function catalogOf(regions: readonly PruneRegion[], region: string) {
  return regions.find((one) => one.region === region)!.catalog;
}
