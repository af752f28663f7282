import { describe, expect, it } from "vitest";
import { type PublishContext, publish } from "../../bootstrap/commands/publish.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { RekindleError } from "../../bootstrap/errors.ts";
import { isSignedBy, signatureKey } from "../../bootstrap/release/signature.ts";
import { aRoleSource, aTopology, primary, recovery } from "../builders.ts";
import { aCommit } from "../commit.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { noHistory } from "../fakes/no-history.ts";
import { aSigner } from "../signer.ts";

const commit = "a".repeat(40);

function aBench() {
  const stores = [new MemoryStore(recovery, "r-bucket"), new MemoryStore(primary, "p-bucket")] as const;
  const context: PublishContext = {
    topology: aTopology(),
    commit,
    sources: {
      web: aRoleSource(),
    },
    ...aSigner(),
    history: noHistory,
    repository: { describe: async () => aCommit },
    account: { demand: async () => "arn:publisher", keyArn: async (region) => `key-of-${region}` },
    catalogs: stores.map((store) => new Catalog(store)),
    clock: systemClock,
    print: () => undefined,
  };
  return { stores, context };
}

describe("publishing", () => {
  it("writes bundle, manifest and pointer to every region, and a record of the move last", async () => {
    const { stores, context } = aBench();
    const published = await publish(context);
    expect(published).toMatchObject({ uploaded: 6, pointer: "moved", commit });
    for (const { writes } of stores) {
      const kinds = writes.map((key) => key.split("/")[0]);
      expect(kinds.slice(0, 3)).toEqual(["bundles", "releases", "releases"]);
      expect(kinds.slice(3).sort()).toEqual(["current.json", "history"]);
    }
    expect(stores[0].writes.at(-1)).toMatch(/^history\//);
    const { pointer } = (await context.catalogs[0]!.pointer())!;
    const manifest = (await context.catalogs[1]!.manifest(published.release))!;
    expect(pointer.sites[primary]).toEqual({ manifest: manifest.pin, encryptionKey: `key-of-${primary}` });
  });

  it("uploads nothing the second time", async () => {
    const { stores, context } = aBench();
    await publish(context);
    const before = stores.map(({ writes }) => writes.length);
    expect(await publish(context)).toMatchObject({ uploaded: 0, pointer: "unchanged" });
    expect(stores.map(({ writes }) => writes.length)).toEqual(before);
  });

  it("goes on when someone else moved the pointer to the same release meanwhile", async () => {
    const { stores, context } = aBench();
    stores[0].beforeSwap = async () => void (await publish(context));
    expect(await publish(context)).toMatchObject({ pointer: "unchanged" });
  });

  it("refuses when someone else moved the pointer to another commit, and names both", async () => {
    const { stores, context } = aBench();
    const other = { ...context, commit: "b".repeat(40) };
    stores[0].beforeSwap = async () => void (await publish(other));
    const error = await publish(context).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RekindleError);
    expect((error as RekindleError).kind).toBe("refused");
    expect((error as RekindleError).message).toContain(commit);
    expect((error as RekindleError).message).toContain(other.commit);
    expect((await context.catalogs[0]!.pointer())!.pointer.commit).toBe(other.commit);
  });

  it.each([
    "get",
    "swap",
  ] as const)("leaves the copy of a move that overtook its own before its %s", async (call) => {
    const { stores, context } = aBench();
    const other = { ...context, commit: "b".repeat(40) };
    const copies = stores[1];
    const original = copies[call].bind(copies) as (...args: unknown[]) => unknown;
    Object.assign(copies, {
      [call]: async (key: string, ...rest: unknown[]) => {
        if (key !== "current.json") return original(key, ...rest);
        Object.assign(copies, { [call]: original });
        await publish(other);
        return original(key, ...rest);
      },
    });
    await publish(context);
    for (const catalog of context.catalogs)
      expect((await catalog.pointer())!.pointer.commit).toBe(other.commit);
  });

  it.each([
    "inspect",
    "demand",
  ] as const)("writes nothing anywhere when %s refuses one region", async (check) => {
    const { stores, context } = aBench();
    const refuse = async () => {
      throw new RekindleError("refused", "no");
    };
    if (check === "inspect") stores[1].inspection = refuse;
    else context.account.demand = refuse;
    await expect(publish(context)).rejects.toThrow("no");
    expect(stores.flatMap(({ writes }) => writes)).toEqual([]);
  });

  it("finishes a release that an earlier run left half uploaded", async () => {
    const { stores, context } = aBench();
    stores[1].create = async () => {
      throw new Error("cut off");
    };
    await expect(publish(context)).rejects.toThrow("cut off");
    expect(await context.catalogs[0]!.pointer()).toBeUndefined();
    delete (stores[1] as Partial<MemoryStore>).create;
    expect(await publish(context)).toMatchObject({ pointer: "moved" });
  });

  it.each(
    Array.from({ length: 10 }, (_, count) => count),
  )("comes to the same end when it was killed after %i writes", async (count) => {
    const { stores, context } = aBench();
    let left = count;
    for (const store of stores) {
      const { create, swap } = store;
      const dying =
        <A extends unknown[], T>(write: (...args: A) => T) =>
        (...args: A): T => {
          if (left-- <= 0) throw new Error("killed");
          return write.apply(store, args);
        };
      Object.assign(store, { create: dying(create), swap: dying(swap) });
    }
    await expect(publish(context)).rejects.toThrow("killed");
    // What was under way beside the write that failed would not outlive a kill either.
    await new Promise((later) => setImmediate(later));
    for (const store of stores) {
      delete (store as Partial<MemoryStore>).create;
      delete (store as Partial<MemoryStore>).swap;
    }
    const { release } = await publish(context);
    const [deciding, copy] = await Promise.all(context.catalogs.map((catalog) => catalog.pointer()));
    expect(deciding!.pointer.release).toBe(release);
    expect(copy!.pointer).toEqual(deciding!.pointer);
    const histories = await Promise.all(context.catalogs.map((catalog) => catalog.history()));
    expect(histories[0]).toMatchObject([{ kind: "publish", release, previous: null }]);
    expect(histories[1]).toEqual(histories[0]);
  });

  it("signs the manifest so that the commit's own keys can check it", async () => {
    const { stores, context } = aBench();
    const { release } = await publish(context);
    const [key] = context.trusted;
    for (const store of stores) {
      const signature = (await store.get(signatureKey(release, key!.id)))!.body;
      const { pin } = (await new Catalog(store).manifest(release))!;
      expect(isSignedBy(key!, pin.sha256, signature)).toBe(true);
      expect(isSignedBy(key!, pin.sha256.replace(/^./, "x"), signature)).toBe(false);
    }
  });

  it("adds another key's signature to a release that is there", async () => {
    const { context } = aBench();
    await publish(context);
    const other = aSigner();
    const rotated = { ...context, signer: other.signer, trusted: [...context.trusted, ...other.trusted] };
    expect(await publish(rotated)).toMatchObject({ uploaded: 2, pointer: "unchanged" });
  });

  it("writes nothing when the commit's servers would not accept the signature", async () => {
    const { stores, context } = aBench();
    await expect(publish({ ...context, signer: aSigner().signer })).rejects.toThrow(
      "does not trust the signing key",
    );
    expect(stores.flatMap(({ writes }) => writes)).toEqual([]);
  });

  it.each([
    ["manifest", "releases/"],
    ["bundle", "bundles/"],
  ])("signs and pins no %s that someone put into its place", async (_what, prefix) => {
    const { stores, context } = aBench();
    await publish(context);
    const [store] = stores;
    const key = (await store.list(prefix)).find((name) => !name.endsWith(".sig"))!;
    const { body, etag } = (await store.get(key))!;
    await store.swap(key, Buffer.from(body.toString("latin1").replace("root", "user"), "latin1"), etag);
    const again = prefix === "bundles/" ? { ...context, commit: "b".repeat(40) } : context;
    await expect(publish(again)).rejects.toThrow(`${key} is there and is not what its name says`);
  });
});
