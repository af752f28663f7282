import { keyAlias } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { Account } from "../edges/aws/account.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { Clock } from "../edges/clock.ts";
import type { Repository } from "../edges/git.ts";
import type { GitHistory } from "../edges/git-bundle.ts";
import type { Signer } from "../edges/signers.ts";
import { RekindleError } from "../errors.ts";
import { encodeJson } from "../json.ts";
import { sha256 } from "../release/digest.ts";
import type { Manifest, ManifestPin, Pointer } from "../release/manifest.ts";
import {
  assembleRelease,
  bundleKey,
  isManifestOf,
  manifestKey,
  type Release,
  type RoleSource,
} from "../release/release.ts";
import { type PublicKey, signatureKey, statement } from "../release/signature.ts";
import { movePointer } from "./pointer.ts";
import { publishHistory } from "./publish-history.ts";

export interface PublishContext {
  topology: Topology;
  commit: string;
  sources: Record<string, RoleSource>;
  signer: Signer;
  /** The keys that the servers of this commit accept a release from. */
  trusted: readonly PublicKey[];
  history: GitHistory;
  repository: Pick<Repository, "describe">;
  account: Pick<Account, "demand" | "keyArn">;
  /** One for each region, the recovery region's first: its pointer is the one that counts. */
  catalogs: readonly Catalog[];
  clock: Pick<Clock, "now">;
  print(line: string): void;
  /** Told of the release once it is live. */
  remember?(release: Release): Promise<void>;
}

export interface Published {
  release: string;
  commit: string;
  /** Objects written, over all regions; 0 when the release was already there. */
  uploaded: number;
  pointer: "moved" | "unchanged";
}

/** Packs a commit, writes it to every region, then moves the environment's pointer. */
export async function publish(context: PublishContext): Promise<Published> {
  const { environment } = context.topology;
  const key = await trustedKey(context);
  // The buckets answer while the release is packed. The pointer is read before anything is uploaded: whoever moves it
  // meanwhile is noticed by the swap.
  const [release, before, said, publishers] = await Promise.all([
    assembleRelease(environment.name, context.commit, context.sources),
    context.catalogs[0]!.pointer(),
    context.repository.describe(context.commit),
    Promise.all(
      context.catalogs.map(({ store }) => context.account.demand(environment.account, store.region)),
    ),
    ...context.catalogs.map(({ store }) => store.inspect()),
  ]);
  const stores = context.catalogs.map(({ store }) => store);
  const [sites] = await Promise.all([
    Promise.all(
      context.catalogs.map((catalog) =>
        publishToRegion(context, catalog, release, key, before === undefined),
      ),
    ),
    publishHistory({ ...context, stores }),
  ]);
  const pointer: Pointer = {
    version: 1,
    environment: environment.name,
    release: release.release,
    commit: release.commit,
    sites: Object.fromEntries(sites.map(({ region, site }) => [region, site])),
  };
  const moved = await movePointer({
    ...context,
    before,
    pointer,
    said: { kind: "publish", ...said, publisher: publishers[0]!, reason: null },
  });
  await context.remember?.(release);
  return {
    release: release.release,
    commit: release.commit,
    uploaded: sites.reduce((sum, { uploaded }) => sum + uploaded, 0),
    pointer: moved,
  };
}

/** A release that servers would not accept is not worth an upload. */
async function trustedKey({ signer, trusted, commit }: PublishContext): Promise<PublicKey> {
  const key = await signer.publicKey();
  if (trusted.some(({ id }) => id === key.id)) return key;
  throw new RekindleError(
    "refused",
    `commit ${commit.slice(0, 12)} does not trust the signing key ${key.id}: servers would refuse the release; ` +
      "nothing was written; run `rekindle key trust`, commit configs/keys, and bake",
    { details: trusted.map(({ id }) => `trusted: ${id}`) },
  );
}

async function publishToRegion(
  context: PublishContext,
  catalog: Catalog,
  release: Release,
  key: PublicKey,
  isFirst: boolean,
) {
  const { store } = catalog;
  let uploaded = 0;
  const [found, isSigned, encryptionKey] = await Promise.all([
    catalog.manifest(release.release),
    store.head(signatureKey(release.release, key.id)).then((found) => found !== undefined),
    context.account.keyArn(store.region, keyAlias(release.environment)),
  ]);
  let published = found;
  if (published === undefined) {
    uploaded += await uploadRelease(catalog, release, isFirst);
    published = (await catalog.manifest(release.release))!;
    context.print(`release ${release.release} is in ${store.region}: ${uploaded} objects uploaded`);
  }
  // What lies there under this release's name is pinned and signed below: it must be what this commit gives.
  if (!isManifestOf(published.manifest, release)) throw tampered(catalog, manifestKey(release.release));
  if (!isSigned)
    uploaded += await uploadSignature(context.signer, catalog, published.pin, release.release, key);
  return { region: store.region, site: { manifest: published.pin, encryptionKey }, uploaded };
}

async function uploadRelease(catalog: Catalog, release: Release, isFirst: boolean): Promise<number> {
  const { store } = catalog;
  const bundles = Object.entries(release.roles).map(async ([role, { bundle, ...said }]) => {
    const key = bundleKey(role, said.bundleSha256);
    const { isNew, versionId } = await uploadBundle(catalog, key, said.bundleSha256, bundle, isFirst);
    return { isNew, role: [role, { ...said, bundle: { key, versionId } }] as const };
  });
  const done = await Promise.all(bundles);
  const manifest: Manifest = {
    version: 1,
    release: release.release,
    environment: release.environment,
    commit: release.commit,
    region: store.region,
    bucket: store.bucket,
    roles: Object.fromEntries(done.map(({ role }) => role)),
  };
  const body = encodeJson(manifest);
  const { kind } = await store.create(manifestKey(release.release), Buffer.from(body), sha256(body));
  return done.filter(({ isNew }) => isNew).length + (kind === "created" ? 1 : 0);
}

/**
 * A bundle that is there already is asked for, not sent: a commit seldom changes more than one role. Of an
 * environment's first release none is there, most likely; one that is all the same is not written over.
 */
async function uploadBundle(
  catalog: Catalog,
  key: string,
  sha256: string,
  bundle: () => Promise<Buffer>,
  isFirst: boolean,
): Promise<{ isNew: boolean; versionId: string }> {
  const { store } = catalog;
  let there = isFirst ? undefined : await store.head(key);
  if (there === undefined) {
    const { kind, versionId } = await store.create(key, await bundle(), sha256);
    if (kind === "created") return { isNew: true, versionId };
    there = await store.head(key);
  }
  if (there?.sha256 !== sha256) throw tampered(catalog, key);
  return { isNew: false, versionId: there.versionId };
}

function tampered({ store }: Catalog, key: string): RekindleError {
  return new RekindleError(
    "refused",
    `s3://${store.bucket}/${key} is there and is not what its name says; the pointer was not moved; ` +
      "look at it with `rekindle verify-release`, which puts an intact version back with --restore",
  );
}

/** Several keys may sign one release, each in an object of its own: that is how keys are rotated. */
async function uploadSignature(
  signer: Signer,
  { store }: Catalog,
  pin: ManifestPin,
  release: string,
  { id }: PublicKey,
): Promise<number> {
  const signature = await signer.sign(statement(pin.sha256));
  const { kind } = await store.create(signatureKey(release, id), signature, sha256(signature));
  return kind === "created" ? 1 : 0;
}
