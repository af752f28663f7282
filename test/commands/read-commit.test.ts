import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commit, writeTree } from "../../bench/tree.ts";
import { publish } from "../../bootstrap/commands/publish.ts";
import { readCommit } from "../../bootstrap/commands/read-commit.ts";
import { loadTopology } from "../../bootstrap/config/load.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { gitRepository } from "../../bootstrap/edges/git.ts";
import { readPackedTrees, writePackedTrees } from "../../bootstrap/edges/packed-trees.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import { packedTrees } from "../../bootstrap/release/packed-trees.ts";
import { roleSources } from "../../bootstrap/release/sources.ts";
import { primary, recovery } from "../builders.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { noHistory } from "../fakes/no-history.ts";
import { aSigner } from "../signer.ts";

const file = (role: string) => `configs/roles/${role}/files/etc/app/changed.conf`;

describe("a commit after one that was published", () => {
  let root = "";
  let stores: MemoryStore[] = [];
  const signing = aSigner();
  const record = () => join(root, ".rekindle/packed.json");

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "rekindle-commit-"));
    await writeTree(root, { roles: 3, files: 6 });
    await commit(root, "first");
    stores = [new MemoryStore(recovery, "r"), new MemoryStore(primary, "p")];
  });
  afterEach(async () => await rm(root, { recursive: true, force: true }));

  /** Publishes HEAD, as that program; gives what came of it, and whose trees were kept. */
  const publishHead = async (program = "this") => {
    const repository = gitRepository(root);
    const head = await repository.resolve("HEAD");
    const { files, kept } = await readCommit(repository, head, await readPackedTrees(record(), program));
    const loaded = loadTopology(files, "bench");
    if (loaded.kind === "faulty") throw new Error("faulty");
    const published = await publish({
      topology: loaded.topology,
      commit: head,
      sources: roleSources(loaded.topology, files, kept),
      ...signing,
      history: noHistory,
      repository,
      account: { demand: async () => "arn:publisher", keyArn: async (region) => `key-of-${region}` },
      catalogs: stores.map((store) => new Catalog(store)),
      clock: systemClock,
      print: () => undefined,
      remember: (release) => writePackedTrees(record(), packedTrees(program, release)),
    });
    return { ...published, kept: Object.keys(kept) };
  };
  const change = async (path: string, text: string) => {
    await writeFile(join(root, path), text);
    await commit(root, "change");
  };

  it("has only the trees packed that changed, and gives the release that packing all of them gives", async () => {
    expect((await publishHead()).kept).toEqual([]);
    await change(file("role-01"), "x\n");
    const { release, uploaded, kept } = await publishHead();
    expect(kept).toEqual(["role-00", "role-02"]);
    // In each of two regions: one bundle, the manifest, its signature.
    expect(uploaded).toBe(6);
    expect(await publishHead("another program")).toMatchObject({ release, kept: [], uploaded: 0 });
  });

  it("has a kept tree packed after all for a region that lacks its bundle", async () => {
    await publishHead();
    await change(file("role-01"), "x\n");
    const [, full] = stores;
    const empty = new MemoryStore(primary, "p");
    stores[1] = empty;
    expect((await publishHead()).kept).toEqual(["role-00", "role-02"]);
    expect(await empty.list("bundles/role-00/")).toEqual(await full!.list("bundles/role-00/"));
  });

  it("is looked through for secrets as a whole when what is allowed has changed", async () => {
    const allow = (entries: string) =>
      change("configs/allowed-secrets.yaml", `version: 1\nallowed: [${entries}]\n`);
    await change(file("role-00"), "password = 'hunter2-Xk29qLm4'\n");
    const { details } = (await publishHead().catch((error: unknown) => error)) as RekindleError;
    const rule = /looks like a secret \(([^)]+)\)/.exec(details.join())![1]!;
    await allow(`{ path: ${file("role-00")}, rule: ${rule}, reason: a test's }`);
    await publishHead();
    // Kept as it is, it still needs its entry.
    await change(file("role-01"), "x\n");
    expect((await publishHead()).kept).toEqual(["role-00", "role-02"]);
    await allow("");
    await expect(publishHead()).rejects.toMatchObject({ kind: "bad-input" });
  });

  it("is read whole where the record is of a commit that is gone, or can't be read", async () => {
    await publishHead();
    const told = (await readPackedTrees(record(), "this"))!;
    await writePackedTrees(record(), { ...told, commit: "0".repeat(40) });
    expect((await publishHead()).kept).toEqual([]);
    await writeFile(record(), "{");
    expect((await publishHead()).kept).toEqual([]);
  });
});
