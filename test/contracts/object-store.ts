import { describe, expect, it } from "vitest";
import { ArchivedObject, type ObjectStore } from "../../bootstrap/edges/aws/objects.ts";

/**
 * What every object store promises, the real one and the one in memory. `open` gives an empty one, and `archive` moves
 * an object's newest version into a Glacier class, which is a lifecycle's work and no store's.
 */
export function objectStoreContract<T extends ObjectStore>(
  name: string,
  open: () => Promise<T>,
  archive: (store: T, key: string) => Promise<void>,
): void {
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

    it("gives the digest of its creation with an object", async () => {
      const store = await open();
      await store.create("bundles/a", text("one"), "digest");
      expect((await store.get("bundles/a"))?.sha256).toBe("digest");
    });

    it("tells an archived object from one that is not there, and gives it once it is thawed", async () => {
      const store = await open();
      await store.create("bundles/a", text("one"), "digest");
      expect(await store.availability("bundles/a")).toBe("readable");
      await archive(store, "bundles/a");
      const { versionId } = (await store.head("bundles/a"))!;
      expect(await store.availability("bundles/a", versionId)).toBe("archived");
      await expect(store.get("bundles/a")).rejects.toThrow(ArchivedObject);
      await store.thaw("bundles/a", versionId);
      await store.thaw("bundles/a", versionId);
      expect(await store.availability("bundles/a", versionId)).toBe("readable");
      expect((await store.get("bundles/a", versionId))?.body.toString()).toBe("one");
      expect(await store.availability("bundles/none")).toBeUndefined();
    });

    it("tells when an object was written, and what time it is, by one clock", async () => {
      const store = await open();
      await store.swap("a", text("1"), undefined);
      const written = Date.parse((await store.get("a"))!.writtenAt);
      const age = (await store.now()).getTime() - written;
      expect(age).toBeGreaterThan(-1_500);
      expect(age).toBeLessThan(60_000);
    });

    it("lists a prefix, sorted, and nothing beside it", async () => {
      const store = await open();
      for (const key of ["catalog/b", "catalog/a", "other/c"]) await store.create(key, text(key), "d");
      expect(await store.list("catalog/")).toEqual(["catalog/a", "catalog/b"]);
    });

    it("lists a prefix page by page, from any key on", async () => {
      const store = await open();
      const keys = ["a/1", "a/2", "a/3", "a/4", "b/1"];
      for (const key of keys) await store.create(key, text(key), "d");
      const listed = async (after?: string) => {
        const found: string[] = [];
        for await (const page of store.pages("a/", after)) found.push(...page);
        return found;
      };
      expect(await listed()).toEqual(keys.slice(0, 4));
      expect(await listed("a/2")).toEqual(["a/3", "a/4"]);
      expect(await listed("a/20")).toEqual(["a/3", "a/4"]);
      expect(await listed("a/9")).toEqual([]);
    });

    it("takes a key out of its listing, and keeps what it held as a version", async () => {
      const store = await open();
      const { versionId } = await store.create("a", text("1"), "d");
      await store.remove("a");
      await store.remove("a");
      expect(await store.list("")).toEqual([]);
      expect(await store.get("a")).toBeUndefined();
      expect((await store.get("a", versionId))?.body.toString()).toBe("1");
      expect(await store.swap("a", text("2"), undefined)).toBe("swapped");
    });
  });
}
