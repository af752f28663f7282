import type { PointEntry } from "./point-index.ts";

/** One point as the indexes of all regions show it. */
export interface IndexedPoint {
  id: string;
  startedAt: string;
  /** Region → its status there; a region that is missing has no entry. */
  statuses: Readonly<Record<string, PointEntry["status"]>>;
}

/** The points of several regions' indexes, the newest first. Holds one entry a region at a time. */
export async function* acrossRegions(
  indexes: Readonly<Record<string, AsyncIterator<PointEntry>>>,
): AsyncGenerator<IndexedPoint> {
  const heads = await Promise.all(
    Object.entries(indexes).map(async ([region, index]) => ({ region, index, head: await index.next() })),
  );
  for (;;) {
    const orders = heads.flatMap(({ head }) => (head.done ? [] : [head.value.order]));
    const first = orders.sort()[0];
    if (first === undefined) return;
    const here = heads.filter(({ head }) => !head.done && head.value.order === first);
    const { id, startedAt } = here[0]!.head.value;
    const statuses = Object.fromEntries(here.map(({ region, head }) => [region, head.value.status]));
    yield { id, startedAt, statuses };
    await Promise.all(here.map(async (one) => (one.head = await one.index.next())));
  }
}
