import type { ObjectStore } from "../edges/aws/objects.ts";
import type { GitHistory } from "../edges/git-bundle.ts";
import { bundlePrefix, gitBundle, gitBundles, nextSequence, restorable } from "../history/git-bundles.ts";
import { type GitRef, type GitRefs, mergedRefs, refsKey } from "../history/git-refs.ts";
import { decodeJson, encodeJson } from "../json.ts";
import { sha256 } from "../release/digest.ts";

export interface HistoryContext {
  history: GitHistory;
  commit: string;
  /** One for each region: each holds the whole history by itself. */
  stores: readonly ObjectStore[];
  print(line: string): void;
}

/** Bundles written, over all regions; or why no history could be published. */
export type HistoryPublished =
  | { kind: "published"; uploaded: number }
  | { kind: "skipped"; reason: "shallow" | "partial" };

/**
 * Puts what led to a commit into every region's bucket, so that the repository outlives its host. A clone that lacks
 * history can publish a release all the same: it is warned, not refused, for the release is what servers wait for.
 */
export async function publishHistory(context: HistoryContext): Promise<HistoryPublished> {
  const { history, stores, print } = context;
  const reason = await history.incomplete();
  if (reason !== undefined) {
    print(
      `this is a ${reason} clone, so the git history was not published: \`rekindle clone\` won't bring it back; ` +
        `${moves[reason]}, then publish again`,
    );
    return { kind: "skipped", reason };
  }
  const [aside, refs] = await Promise.all([history.aside(context.commit), history.refs()]);
  // The published commit comes last: whoever clones where no pointer tells takes the newest bundle's.
  const tips = [...aside, context.commit].map((commit) => ({
    commit,
    makeBundle: onceForEach(history, commit),
  }));
  const uploads = await Promise.all(
    stores.map(async (store) => {
      let uploaded = 0;
      for (const tip of tips) if (await publishToStore(context, store, tip)) uploaded++;
      await publishRefs(store, refs);
      return uploaded;
    }),
  );
  return { kind: "published", uploaded: uploads.reduce((sum, count) => sum + count, 0) };
}

const moves = {
  shallow: "run `git fetch --unshallow`, or let CI check out with a depth of 0",
  partial: "take a clone without --filter",
};

async function publishToStore(
  { history, print }: HistoryContext,
  store: ObjectStore,
  { commit, makeBundle }: { commit: string; makeBundle: (without: readonly string[]) => Promise<Buffer> },
): Promise<boolean> {
  for (;;) {
    const there = gitBundles(await store.list(bundlePrefix));
    const without = await history.known(restorable(there).map(({ tip }) => tip));
    if (!(await history.adds(commit, without))) return false;
    const body = await makeBundle(without);
    const next = gitBundle(nextSequence(there), commit);
    // Another publisher may have taken the number while the bundle was made. Between this look and the write there
    // is a moment left: then two bundles have one number, neither builds on the other, and both can be restored.
    if (nextSequence(gitBundles(await store.list(bundlePrefix))) !== next.sequence) continue;
    const { kind } = await store.create(next.key, body, sha256(body));
    if (kind === "created") print(`git history is in ${store.region}: ${next.key}, ${body.length} bytes`);
    return kind === "created";
  }
}

/** Names for what the bundles hold; written last, so that each name's commit is there. */
async function publishRefs(store: ObjectStore, own: readonly GitRef[]): Promise<void> {
  if (own.length === 0) return;
  for (;;) {
    const held = await readRefs(store);
    const merged: GitRefs = { version: 1, refs: mergedRefs(held?.refs ?? [], own) };
    const body = encodeJson(merged);
    if (body === held?.text) return;
    if ((await store.swap(refsKey, Buffer.from(body), held?.etag)) === "swapped") return;
  }
}

export async function readRefs(store: ObjectStore) {
  const object = await store.get(refsKey);
  if (object === undefined) return undefined;
  const text = object.body.toString();
  const { refs } = decodeJson<GitRefs>(`s3://${store.bucket}/${refsKey}`, text, 1);
  return { refs, text, etag: object.etag };
}

/** Regions that hold the same get the same bundle, which is made once. */
function onceForEach(history: GitHistory, commit: string): (without: readonly string[]) => Promise<Buffer> {
  const made = new Map<string, Promise<Buffer>>();
  return (without) => {
    const name = without.join();
    const bundle = made.get(name) ?? history.bundle(commit, without);
    made.set(name, bundle);
    return bundle;
  };
}
