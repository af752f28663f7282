import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commit, writeTree } from "../../bench/tree.ts";
import { committedSources } from "../../bootstrap/commands/committed-sources.ts";
import { type PublishContext, publish } from "../../bootstrap/commands/publish.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { gitRepository, type Repository } from "../../bootstrap/edges/git.ts";
import { primary, recovery } from "../builders.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { noHistory } from "../fakes/no-history.ts";
import { aSigner } from "../signer.ts";

const file = (role: string) => `configs/roles/${role}/files/etc/app/changed.conf`;
const secret = "password = 'hunter2-Xk29qLm4'\n";

describe("publishing after an earlier release", () => {
  let root = "";
  let later: string[] = [];
  let context: Omit<PublishContext, "topology" | "commit" | "sources">;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "rekindle-commit-"));
    await writeTree(root, { roles: 3, files: 6 });
    await commit(root, "first");
    later = [];
    context = inMemory();
  });
  afterEach(async () => await rm(root, { recursive: true, force: true }));

  const inMemory = () => ({
    ...aSigner(),
    history: noHistory,
    repository: gitRepository(root),
    account: { demand: async () => "arn:publisher", keyArn: async (region: string) => `key-of-${region}` },
    catalogs: [new MemoryStore(recovery, "r"), new MemoryStore(primary, "p")].map((one) => new Catalog(one)),
    clock: systemClock,
    print: () => undefined,
  });
  /** Notes which files are read only when they are asked for. */
  const noting = (repository: Repository): Repository => ({
    ...repository,
    files: (of, folders, isLater) =>
      repository.files(of, folders, (path) => {
        const said = isLater?.(path) ?? false;
        if (said) later.push(path);
        return said;
      }),
  });
  const publishHead = async (changes: Partial<typeof context> = {}) => {
    const repository = noting(gitRepository(root));
    const head = await repository.resolve("HEAD");
    const committed = await committedSources(repository, head, "bench");
    return publish({ ...committed, ...context, ...changes });
  };
  const change = async (path: string, text: string) => {
    await writeFile(join(root, path), text);
    await commit(root, "change");
  };

  it("reads the trees that changed, and comes to what a bucket without it would be given", async () => {
    await publishHead();
    expect(later).toEqual([]);
    await change(file("role-01"), "x\n");
    const { release, uploaded } = await publishHead();
    // In each of two regions: one bundle, the manifest, its signature.
    expect(uploaded).toBe(6);
    expect(new Set(later.map((path) => path.split("/")[2]))).toEqual(new Set(["role-00", "role-02"]));
    expect((await publishHead(inMemory())).release).toBe(release);
  });

  it("puts a kept tree's bundle back that a region has lost", async () => {
    await publishHead();
    await change(file("role-01"), "x\n");
    const [deciding, copy] = context.catalogs.map(({ store }) => store);
    const empty = new MemoryStore(primary, "p");
    await publishHead({ catalogs: [new Catalog(deciding!), new Catalog(empty)] });
    expect(later).not.toEqual([]);
    expect(await empty.list("bundles/role-00/")).toEqual(await copy!.list("bundles/role-00/"));
  });

  it("keeps nothing of a release that another key has signed", async () => {
    await publishHead();
    await change(file("role-01"), "x\n");
    await publishHead(aSigner());
    expect(later).toEqual([]);
  });

  it("looks for secrets in everything when what is allowed has changed", async () => {
    const allowed = (entries: string) => `version: 1\nallowed: [${entries}]\n`;
    const entry = `{ path: ${file("role-00")}, rule: RULE, reason: a test's }`;
    await change(file("role-00"), secret);
    const { details } = (await publishHead().catch((error: unknown) => error)) as { details: string[] };
    const rule = /looks like a secret \(([^)]+)\)/.exec(details.join())![1]!;
    await change("configs/allowed-secrets.yaml", allowed(entry.replace("RULE", rule)));
    await publishHead();
    await change("configs/allowed-secrets.yaml", allowed(""));
    await expect(publishHead()).rejects.toMatchObject({ kind: "bad-input" });
  });
});
