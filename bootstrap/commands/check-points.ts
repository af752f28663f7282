import { inParallel } from "../collect/in-parallel.ts";
import { type Check, check } from "../recovery/check.ts";
import { type Part, partsOf } from "../recovery/parts.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import type { CheckContext } from "./check.ts";

/** EC2 takes 200 values in one filter. */
const batchSize = 100;
const readsAtOnce = 16;

/** Whether every part of some points is there and readable in the region: one check a part, the missing one named. */
export async function checkPoints(context: CheckContext, ids: readonly string[]): Promise<Check[]> {
  const { region } = context;
  const points = await inParallel(readsAtOnce, ids, (id) => region.catalog.point(id));
  const states = await statesOf(
    context,
    points.flatMap((point) => (point === undefined ? [] : [point])),
  );
  return points.flatMap((point, index) => {
    const name = `recovery point ${ids[index]} in ${region.region}`;
    if (point === undefined) return [check(name, "in the catalog", "gone")];
    if (point.status === "removing") return [check(name, "complete", "a prune is removing it")];
    return partsOf(point)
      .filter((part) => part.region === region.region)
      .map((part) => checkPart(part, point, states));
  });
}

/**
 * The same for every point that the region's index calls complete, a hundred at a time. Yields what is not as it should
 * be, and last how much was looked at.
 */
export async function* checkEveryPoint(context: CheckContext): AsyncGenerator<Check> {
  let points = 0;
  let parts = 0;
  let failed = 0;
  let batch: string[] = [];
  async function* checked() {
    const checks = await checkPoints(context, batch);
    points += batch.length;
    parts += checks.length;
    batch = [];
    for (const one of checks) if (!one.passed) yield one;
  }
  for await (const { id, status } of context.region.catalog.entries()) {
    if (status === "complete") batch.push(id);
    if (batch.length < batchSize) continue;
    for await (const one of checked()) {
      failed++;
      yield one;
    }
  }
  for await (const one of checked()) {
    failed++;
    yield one;
  }
  yield {
    name: `every complete point in ${context.region.region}`,
    passed: failed === 0,
    expected: "all of its parts",
    found: `${points} points with ${parts} parts, ${failed} of them not as they should be`,
  };
}

function checkPart(
  { kind, id, what, region }: Part,
  point: RecoveryPoint,
  states: ReadonlyMap<string, string>,
): Check {
  const ready = kind === "snapshot" ? "completed" : "available";
  return check(
    `${kind} ${id} of ${what} in ${region}, behind ${point.id}`,
    ready,
    states.get(id) ?? "missing: somebody has deleted it",
  );
}

/** Snapshot → its state. Found by the points' tags, and what bears none any more by its name. */
async function statesOf(
  { topology, region }: CheckContext,
  points: readonly RecoveryPoint[],
): Promise<Map<string, string>> {
  const { name, databases } = topology.environment;
  const states = new Map<string, string>();
  if (points.length === 0) return states;
  const ids = points.map(({ id }) => id);
  for await (const page of region.holdings.snapshots(name, ids))
    for (const { id, state } of page) states.set(id, state);
  const untagged = points
    .flatMap(partsOf)
    .filter((part) => part.region === region.region && part.kind === "snapshot" && !states.has(part.id));
  for (const [id, state] of await region.holdings.snapshotStates(untagged.map(({ id }) => id)))
    states.set(id, state);
  if (Object.keys(databases).length > 0)
    for (const { id, state } of await region.holdings.databaseSnapshots(name)) states.set(id, state);
  return states;
}
