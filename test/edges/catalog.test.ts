import { beforeEach, describe, expect, it } from "vitest";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { type Wish, whyNot } from "../../bootstrap/recovery/choose.ts";
import type { RecoveryPoint } from "../../bootstrap/recovery/point.ts";
import { pointKey } from "../../bootstrap/recovery/point-index.ts";
import { aPoint, recovery } from "../builders.ts";
import { MemoryStore } from "../fakes/memory-store.ts";

/** Counts what a real bucket would be asked for points. */
class CountingStore extends MemoryStore {
  pagesRead = 0;
  pointsRead = 0;

  override async *pages(prefix: string, after?: string) {
    for await (const page of super.pages(prefix, after)) {
      this.pagesRead++;
      yield page;
    }
  }

  override get(key: string, versionId?: string) {
    if (key.startsWith("catalog/points/")) this.pointsRead++;
    return super.get(key, versionId);
  }
}

const expected = { region: recovery, servers: { "db-0": ["data-0", "data-1"] }, databases: [] };
const at = (minute: number, changes: Partial<RecoveryPoint> = {}) =>
  aPoint({ takenAt: new Date(Date.UTC(2026, 10, 24, 0, minute)).toISOString(), ...changes });

describe("the points of a catalog", () => {
  let store: CountingStore;
  let catalog: Catalog;
  const write = async (points: RecoveryPoint[]) => {
    for (const point of points) await catalog.writePoint(point);
    store.pagesRead = 0;
    store.pointsRead = 0;
  };
  const look = (wish: Wish) => catalog.contents(wish, (point) => whyNot(point, wish, expected));

  beforeEach(() => {
    store = new CountingStore();
    catalog = new Catalog(store);
  });

  it("are read up to the newest that a rebuild can take, however many there are", async () => {
    await write(Array.from({ length: 50 }, (_, minute) => at(minute)));
    const { points, skipped } = await look({ kind: "newest" });
    expect(points).toEqual([at(49)]);
    expect({ skipped, pages: store.pagesRead, reads: store.pointsRead }).toEqual({
      skipped: 0,
      pages: 1,
      reads: 1,
    });
  });

  it("are read from a moment on, when that is asked for", async () => {
    await write(Array.from({ length: 50 }, (_, minute) => at(minute)));
    expect((await look({ kind: "as-of", moment: at(20).takenAt })).points).toEqual([at(20)]);
    expect(store.pointsRead).toBe(1);
  });

  it("are one when one is named, and the newest beside it when that can't be used", async () => {
    await write([at(1), at(2, { status: "incomplete" }), at(3)]);
    expect((await look({ kind: "point", id: at(1).id })).points).toEqual([at(1)]);
    const { points } = await look({ kind: "point", id: at(2).id });
    expect(points.map(({ id }) => id)).toEqual([at(2).id, at(3).id, at(1).id]);
  });

  it("that are passed over are told to a number, and counted beyond it", async () => {
    const incomplete = Array.from({ length: 30 }, (_, minute) => at(minute + 1, { status: "incomplete" }));
    await write([at(0), ...incomplete]);
    const { points, skipped } = await look({ kind: "newest" });
    expect(points).toHaveLength(21);
    expect(points.at(-1)).toEqual(at(0));
    expect({ skipped, reads: store.pointsRead }).toEqual({ skipped: 10, reads: 21 });
  });

  it("have one key at a time, but for the mark of a prune, which stays until the prune takes it away", async () => {
    await write([at(1, { status: "pending" })]);
    await write([at(1)]);
    expect(await store.list("")).toEqual([pointKey(at(1))]);
    await write([at(1, { status: "removing" })]);
    await write([at(1)]);
    expect((await catalog.point(at(1).id))?.status).toBe("removing");
    await catalog.unmarkPoint(at(1));
    expect(await catalog.points()).toEqual([at(1)]);
    await catalog.removePoint(at(1).id);
    expect(await store.list("")).toEqual([]);
  });

  it("whose status changes while they are listed are read as they are then", async () => {
    await write([at(1, { status: "pending" })]);
    const listed = store.pages.bind(store);
    store.pages = async function* (prefix) {
      for await (const page of listed(prefix)) {
        await catalog.writePoint(at(1));
        yield page;
      }
    };
    expect(await catalog.points()).toEqual([at(1)]);
    expect(await catalog.point("point-x")).toBeUndefined();
  });
});
