import { inParallel } from "../collect/in-parallel.ts";
import { partsOf } from "../recovery/parts.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import { anyOf, type PruneContext, type PruneRegion, readProtections } from "./prune-context.ts";

const atOnce = 8;

/**
 * Moves the volumes' snapshots of points into EBS's archive tier, in every region. The points are marked first, so that
 * no plan takes what is on its way; what is there or on its way already stays as it is. Gives what went wrong.
 */
export async function archivePoints(context: PruneContext, ids: readonly string[]): Promise<string[]> {
  const { regions, now } = context;
  const found = await inParallel(atOnce, ids, (id) => anyOf(regions, id));
  const points = found.filter((point) =>
    point?.sets.some(({ kind }) => kind === "volumes"),
  ) as RecoveryPoint[];
  const fresh = points.filter(({ archived }) => archived === undefined);
  for (const { id } of fresh) await change(regions, id, (point) => ({ ...point, archived: { since: now } }));
  const { points: reasons } = await readProtections(regions, now);
  const faults: string[] = [];
  for (const { id } of fresh.filter((point) => reasons.has(point.id))) {
    await change(regions, id, ({ archived: _mark, ...point }) => point);
    faults.push(`${id} stays out of the archive tier: ${reasons.get(id)![0]} needs it now`);
  }
  const parts = points.filter(({ id }) => !reasons.has(id)).flatMap(partsOf);
  for (const { region, archive } of regions) {
    const snapshots = parts.filter((part) => part.region === region && part.kind === "snapshot");
    const tiers = await archive.tiers(snapshots.map(({ id }) => id));
    const standard = snapshots.filter(({ id }) => tiers.get(id)?.kind === "standard");
    await inParallel(atOnce, standard, ({ id }) =>
      archive.archive(id).catch((error: Error) => {
        faults.push(`snapshot ${id} in ${region} was not archived: ${error.message}`);
      }),
    );
  }
  return faults;
}

/** Changes what each region's catalog says of a point. */
export async function change(
  regions: readonly Pick<PruneRegion, "catalog">[],
  id: string,
  how: (point: RecoveryPoint) => RecoveryPoint,
): Promise<void> {
  for (const { catalog } of regions) {
    const point = await catalog.point(id);
    if (point !== undefined) await catalog.writePoint(how(point));
  }
}
