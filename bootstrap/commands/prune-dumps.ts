import { inParallel } from "../collect/in-parallel.ts";
import type { Dump } from "../dump/dump.ts";
import { indexedDumps } from "../recovery/dump-retention.ts";
import { type Decision, decideRetention, type RetentionContext } from "../recovery/retention.ts";
import { type PruneContext, readProtections } from "./prune-context.ts";

const atOnce = 8;

/** Decides about every dump by the same rules as about recovery points, each name for itself. */
export async function decideDumps(
  { regions }: Pick<PruneContext, "regions">,
  retention: RetentionContext,
): Promise<Decision[]> {
  const found = new Map<string, Dump>();
  // All regions' entries are alike; one that only the last region has is a dump all the same.
  for (const dumps of await Promise.all([...regions].reverse().map(({ catalog }) => catalog.dumps())))
    for (const dump of dumps) found.set(dump.id, dump);
  const decisions: Decision[] = [];
  for (const dumps of indexedDumps([...found.values()], retention.regions).values())
    for await (const decision of decideRetention(dumps, retention)) decisions.push(decision);
  return decisions;
}

/**
 * Removes dumps from every region: marked as failed first, so that nothing is restored from them, then their objects,
 * then the entry. What a hold has come to protect meanwhile is whole again. Gives what went wrong.
 */
export async function removeDumps({ regions, now }: PruneContext, ids: readonly string[]): Promise<string[]> {
  const before = await inParallel(atOnce, ids, async (id) => ({
    id,
    entries: await Promise.all(regions.map(({ catalog }) => catalog.dump(id))),
  }));
  for (const { entries } of before)
    for (const [index, dump] of entries.entries())
      if (dump !== undefined)
        await regions[index]!.catalog.writeDump({ ...dump, status: "failed", faults: [removing] });
  const { points: reasons } = await readProtections(regions, now);
  const faults: string[] = [];
  await inParallel(atOnce, before, async ({ id, entries }) => {
    const reason = reasons.get(id)?.[0];
    for (const [index, dump] of entries.entries()) {
      if (dump === undefined) continue;
      const { catalog } = regions[index]!;
      if (reason !== undefined) await catalog.writeDump(dump);
      else {
        for (const { key } of dump.parts) await catalog.store.remove(key);
        await catalog.removeDump(id);
      }
    }
    if (reason !== undefined) faults.push(`${id} stays: ${reason} needs it now`);
  });
  return faults;
}

const removing = "a prune has begun to remove it";
