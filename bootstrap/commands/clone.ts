import type { ObjectStore, StoredObject } from "../edges/aws/objects.ts";
import { Catalog } from "../edges/catalog.ts";
import type { Restoration } from "../edges/git-restore.ts";
import { RekindleError } from "../errors.ts";
import { bundlePrefix, type GitBundle, gitBundles, missingSequences } from "../history/git-bundles.ts";
import { sha256 } from "../release/digest.ts";
import { readRefs } from "./publish-history.ts";
import { readThawed, type ThawContext } from "./thaw-release.ts";

export interface CloneContext extends ThawContext {
  store: ObjectStore;
  folder: string;
  restoreInto(folder: string, format: "sha1" | "sha256"): Promise<Restoration>;
}

export interface Cloned {
  version: 1;
  folder: string;
  branch: string;
  commit: string;
  /** Bundles that were taken in. */
  bundles: number;
  /** What is missing or damaged in the bucket, though the commit's history could do without. */
  faults: string[];
}

/** How many bundles are fetched at a time; they are taken in one by one, since each builds on those before it. */
const fetchedAtOnce = 8;

/** Brings a repository back from one region's bucket: no git host, no project, no configuration. */
export async function cloneHistory(context: CloneContext): Promise<Cloned> {
  const { store, folder, print } = context;
  const bundles = gitBundles(await store.list(bundlePrefix));
  if (bundles.length === 0) throw noHistory(store);
  const restoration = await context.restoreInto(folder, bundles[0]!.tip.length === 64 ? "sha256" : "sha1");
  try {
    const { branches, faults } = await takeAll(context, restoration, bundles);
    const published = (await new Catalog(store).pointer())?.pointer.commit;
    const newest = bundles.findLast(({ tip }) => branches.has(tip))?.tip;
    const commit = await chooseCommit(restoration, published, newest, bundles.at(-1)!.tip, faults, store);
    const refs = (await readRefs(store))?.refs ?? [];
    for (const fault of faults)
      print(`${fault}; the history of ${commit.slice(0, 12)} is complete without it`);
    if (published !== undefined && commit !== published)
      print(
        `commit ${published} was published without its history, by an incomplete clone; this is the one before`,
      );
    const branch = branches.get(commit) ?? branches.get(newest ?? "") ?? "main";
    for (const name of await restoration.finish(branch, commit, refs))
      print(`${name} is left out: its commit did not come back`);
    return { version: 1, folder, branch, commit, bundles: branches.size, faults };
  } catch (error) {
    await restoration.discard();
    throw error;
  }
}

/** Takes in what can be; tells the branch that each tip was published from, and all that is wrong. */
async function takeAll(context: CloneContext, restoration: Restoration, bundles: readonly GitBundle[]) {
  const { store } = context;
  const branches = new Map<string, string>();
  const faults = missingSequences(bundles).map(
    (sequence) =>
      `bundle ${String(sequence).padStart(8, "0")} is missing below s3://${store.bucket}/${bundlePrefix}`,
  );
  for (let from = 0; from < bundles.length; from += fetchedAtOnce) {
    if (context.signal.aborted)
      throw new RekindleError("tool-failed", "stopped before the clone was whole; nothing was written");
    const batch = bundles.slice(from, from + fetchedAtOnce);
    const contents = await Promise.all(batch.map(({ key }) => readThawed(store, { key }, context)));
    for (const [index, bundle] of batch.entries()) {
      const outcome = await takeIntact(context, restoration, bundle, contents[index]);
      if (outcome.kind === "taken") branches.set(bundle.tip, outcome.branch);
      else faults.push(`s3://${store.bucket}/${bundle.key} is damaged: ${outcome.reason}`);
    }
  }
  return { branches, faults };
}

/** The newest version of a bundle, or else an earlier one: the bucket keeps them, so damage may be undone. */
async function takeIntact(
  context: CloneContext,
  restoration: Restoration,
  bundle: GitBundle,
  newest: StoredObject | undefined,
) {
  const first = await takeDigested(restoration, bundle, newest);
  if (first.kind === "taken") return first;
  const { store, print } = context;
  for (const { versionId, kind } of await store.versions(bundle.key)) {
    if (kind === "deletion" || versionId === newest?.versionId) continue;
    const earlier = await readThawed(store, { key: bundle.key, versionId }, context);
    const taken = await takeDigested(restoration, bundle, earlier);
    if (taken.kind !== "taken") continue;
    print(
      `s3://${store.bucket}/${bundle.key} is damaged: ${first.reason}; version ${versionId} is intact and was taken`,
    );
    return taken;
  }
  return first;
}

async function takeDigested(restoration: Restoration, bundle: GitBundle, object: StoredObject | undefined) {
  if (object === undefined) return { kind: "refused" as const, reason: "it was deleted while it was read" };
  const found = sha256(object.body);
  if (object.sha256 !== undefined && object.sha256 !== found)
    return {
      kind: "refused" as const,
      reason: `its digest is ${found}, and it was uploaded as ${object.sha256}`,
    };
  return restoration.take(bundle, object.body);
}

/** The last published commit, which must be whole; the newest one that came back, when that one never came. */
async function chooseCommit(
  restoration: Restoration,
  published: string | undefined,
  newest: string | undefined,
  last: string,
  faults: readonly string[],
  store: ObjectStore,
): Promise<string> {
  const wanted = published ?? last;
  if (await restoration.has(wanted)) return wanted;
  if (faults.length === 0 && newest !== undefined) return newest;
  throw new RekindleError(
    "failed-check",
    `the history of commit ${wanted} in bucket ${store.bucket} (${store.region}) is not whole; ` +
      "nothing was written; clone from another region's bucket, or bring back the named objects' earlier versions",
    { details: faults },
  );
}

function noHistory({ bucket, region }: ObjectStore): RekindleError {
  return new RekindleError(
    "bad-input",
    `bucket ${bucket} in ${region} holds no git history (${bundlePrefix}); name the bucket that \`rekindle publish\` writes to`,
  );
}
