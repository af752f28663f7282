import { ArchivedObject, type ObjectStore, type StoredObject } from "../edges/aws/objects.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import { decodeJson } from "../json.ts";
import type { Manifest } from "../release/manifest.ts";
import { manifestKey } from "../release/release.ts";

export interface ThawContext extends Patience {
  print(line: string): void;
}

interface Pinned {
  key: string;
  /** The newest when left out. */
  versionId?: string;
}

/** Standard retrieval from Deep Archive takes 12 hours; nothing that S3 offers here takes more than a day. */
const limitSeconds = 24 * 3600;

/** An object's bytes, once they can be read: one in a Glacier class is thawed and waited for. */
export async function readThawed(
  store: ObjectStore,
  { key, versionId }: Pinned,
  context: ThawContext,
): Promise<StoredObject | undefined> {
  try {
    return await store.get(key, versionId);
  } catch (error) {
    if (!(error instanceof ArchivedObject)) throw error;
  }
  await thawObjects(store, [{ key, ...(versionId === undefined ? {} : { versionId }) }], context);
  return store.get(key, versionId);
}

/**
 * Makes everything of a release readable in one region: its manifest, then bundles and signatures, which are thawed at
 * the same time, so that the slowest of them is the wait. Returns what had to be thawed.
 */
export async function thawRelease(
  store: ObjectStore,
  release: string,
  context: ThawContext,
): Promise<string[]> {
  const thawed = await thawObjects(store, [{ key: manifestKey(release) }], context);
  return [...thawed, ...(await thawObjects(store, await objectsOf(store, release), context))];
}

/**
 * Asks for everything of a release, and waits for nothing. Returns what can't be read yet; what an archived manifest
 * names is not known before it can be read itself.
 */
export async function requestRelease(
  store: ObjectStore,
  release: string,
  context: Pick<ThawContext, "print">,
): Promise<string[]> {
  const manifest = await requestObjects(store, [{ key: manifestKey(release) }], context);
  const objects = manifest.length > 0 ? [] : await objectsOf(store, release);
  return [...manifest, ...(await requestObjects(store, objects, context))].map(({ key }) => key);
}

async function objectsOf(store: ObjectStore, release: string): Promise<Pinned[]> {
  const key = manifestKey(release);
  const object = await store.get(key);
  if (object === undefined) {
    throw new RekindleError(
      "bad-input",
      `bucket ${store.bucket} in ${store.region} holds no release ${release}; name one that \`rekindle log\` shows`,
    );
  }
  const manifest = decodeJson<Manifest>(`s3://${store.bucket}/${key}`, object.body.toString(), 1);
  const bundles = Object.values(manifest.roles).map(({ bundle }) => bundle);
  const signatures = await store.list(`releases/${release}/signatures/`);
  return [...bundles, ...signatures.map((key) => ({ key }))];
}

/** Asks for all before it waits for the first. Returns the keys that were not readable at once. */
export async function thawObjects(
  store: ObjectStore,
  objects: readonly Pinned[],
  context: ThawContext,
): Promise<string[]> {
  const cold = await requestObjects(store, objects, context);
  await Promise.all(
    cold.map(({ key, versionId }) =>
      waitFor(context, `the thaw of s3://${store.bucket}/${key}`, limitSeconds, async () => {
        const ready = (await store.availability(key, versionId)) === "readable";
        return ready ? { kind: "ready", value: undefined } : { kind: "waiting" };
      }),
    ),
  );
  return cold.map(({ key }) => key);
}

/** Asks for what is archived; gives what is not readable at once. */
export async function requestObjects(
  store: ObjectStore,
  objects: readonly Pinned[],
  { print }: Pick<ThawContext, "print">,
): Promise<Pinned[]> {
  const found = await Promise.all(
    objects.map(async (object) => ({
      ...object,
      was: await store.availability(object.key, object.versionId),
    })),
  );
  const cold = found.filter(({ was }) => was === "archived" || was === "thawing");
  await Promise.all(
    cold
      .filter(({ was }) => was === "archived")
      .map(async ({ key, versionId }) => {
        await store.thaw(key, versionId);
        print(`s3://${store.bucket}/${key} lies in a Glacier class and is being thawed: minutes to hours`);
      }),
  );
  return cold;
}
