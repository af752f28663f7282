import { describe, expect, it } from "vitest";
import type { ObjectStore } from "../../bootstrap/edges/aws/objects.ts";

/** What every object store promises, the real one and the one in memory. `open` gives an empty one. */
export function objectStoreContract(name: string, open: () => Promise<ObjectStore>): void {
  const text = (value: string) => Buffer.from(value);

  describe(`the object store ${name}`, () => {
    it("creates an object once, and tells who came second which version is there", async () => {
      const store = await open();
      const first = await store.create("bundles/a", text("one"), "digest");
      const second = await store.create("bundles/a", text("two"), "other");
      expect(first.kind).toBe("created");
      expect(second).toEqual({ kind: "exists", versionId: first.versionId });
      expect((await store.get("bundles/a"))?.body.toString()).toBe("one");
      expect(await store.head("bundles/a")).toEqual({ sha256: "digest", versionId: first.versionId });
    });

    it("tells a free key from a taken one", async () => {
      const store = await open();
      expect(await store.get("nothing")).toBeUndefined();
      expect(await store.head("nothing")).toBeUndefined();
    });

    it("swaps only what is as it was read", async () => {
      const store = await open();
      expect(await store.swap("current.json", text("1"), undefined)).toBe("swapped");
      expect(await store.swap("current.json", text("2"), undefined)).toBe("moved");
      const read = (await store.get("current.json"))!;
      expect(await store.swap("current.json", text("3"), read.etag)).toBe("swapped");
      expect(await store.swap("current.json", text("4"), read.etag)).toBe("moved");
      expect((await store.get("current.json"))?.body.toString()).toBe("3");
    });

    it("gives every write a version of its own", async () => {
      const store = await open();
      await store.swap("a", text("1"), undefined);
      const before = (await store.get("a"))!;
      await store.swap("a", text("2"), before.etag);
      expect((await store.get("a"))!.versionId).not.toBe(before.versionId);
    });

    it("keeps every version, and gives each one back", async () => {
      const store = await open();
      await store.swap("a", text("1"), undefined);
      const first = (await store.get("a"))!;
      await store.swap("a", text("2"), first.etag);
      expect((await store.get("a", first.versionId))?.body.toString()).toBe("1");
      const versions = await store.versions("a");
      expect(versions.map(({ kind }) => kind)).toEqual(["content", "content"]);
      expect(versions.map(({ versionId }) => versionId)).toContain(first.versionId);
    });

    it("lists a prefix, sorted, and nothing beside it", async () => {
      const store = await open();
      for (const key of ["catalog/b", "catalog/a", "other/c"]) await store.create(key, text(key), "d");
      expect(await store.list("catalog/")).toEqual(["catalog/a", "catalog/b"]);
    });
  });
}
