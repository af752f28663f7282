import { gunzipSync } from "node:zlib";
import type { ObjectStore, ObjectVersion } from "../edges/aws/objects.ts";
import type { Catalog } from "../edges/catalog.ts";
import { sha256 } from "../release/digest.ts";
import { inspectBundle } from "../release/inspect.ts";
import type { Manifest } from "../release/manifest.ts";
import { manifestKey } from "../release/release.ts";
import { isSignedBy, type PublicKey, signatureKey } from "../release/signature.ts";
import { readTar } from "../release/untar.ts";

/** Something in a bucket that is not as it was published. */
export interface Damage {
  region: string;
  bucket: string;
  key: string;
  /** What is wrong, in one sentence. */
  fault: string;
  /** An earlier version of the object that is as it should be. */
  intact?: { versionId: string; at: string };
}

export interface VerifiedRelease {
  version: 1;
  release: string;
  /** Region → the keys whose signature of the manifest is good. */
  signatures: Record<string, string[]>;
  /** Objects that were read and are as published, over all regions. */
  intact: number;
  damage: Damage[];
}

/** Reads everything of a release from each region's bucket, as a server would, and compares it with what was published. */
export async function verifyRelease(context: {
  release: string;
  /** Region → the manifest's digest as the environment's pointer has it, for the release that is live. */
  pinned: Readonly<Record<string, string>>;
  catalogs: readonly Catalog[];
  trusted: readonly PublicKey[];
}): Promise<VerifiedRelease> {
  const regions = await Promise.all(
    context.catalogs.map(({ store }) =>
      verifyInRegion(store, context.release, context.trusted, context.pinned[store.region]),
    ),
  );
  return {
    version: 1,
    release: context.release,
    signatures: Object.fromEntries(regions.map(({ region, signedBy }) => [region, signedBy])),
    intact: regions.reduce((sum, { intact }) => sum + intact, 0),
    damage: regions.flatMap(({ damage }) => damage),
  };
}

/** Brings back, as the newest version, the intact earlier version of each damaged object that has one. */
export async function restoreIntact(
  catalogs: readonly Catalog[],
  damage: readonly Damage[],
): Promise<Damage[]> {
  const restorable = damage.filter(({ intact }) => intact !== undefined);
  for (const { region, key, intact } of restorable) {
    const { store } = catalogs.find(({ store }) => store.region === region)!;
    const { body } = (await store.get(key, intact!.versionId))!;
    const newest = await store.get(key);
    await store.swap(key, body, newest?.etag);
  }
  return restorable;
}

async function verifyInRegion(
  store: ObjectStore,
  release: string,
  trusted: readonly PublicKey[],
  pinned: string | undefined,
) {
  const look = objectCheck(store);
  const known = await Promise.all(trusted.map((key) => everySignature(store, release, key)));
  const signers = (body: Buffer) =>
    known
      .filter(({ key, bodies }) => bodies.some((signature) => isSignedBy(key, sha256(body), signature)))
      .map(({ key }) => key.id);
  const manifest = await look(manifestKey(release), undefined, (body) => {
    if (pinned !== undefined && sha256(body) !== pinned)
      return `its digest is ${sha256(body)} and not the pinned ${pinned}`;
    if (signers(body).length === 0)
      return `no trusted key has signed it (${trusted.map(({ id }) => id).join(", ") || "none is trusted"})`;
    return replayFault(body, release, store);
  });
  const damage = [...manifest.damage];
  let intact = manifest.damage.length === 0 ? 1 : 0;
  const signedBy: string[] = [];
  for (const { key, bodies } of known) {
    if (bodies.length === 0 || manifest.body === undefined) continue;
    const digest = sha256(manifest.body);
    const checked = await look(signatureKey(release, key.id), undefined, (body) =>
      isSignedBy(key, digest, body) ? undefined : "it is no signature of the manifest",
    );
    damage.push(...checked.damage);
    if (checked.damage.length === 0) signedBy.push(key.id);
  }
  // A damaged manifest still has an intact version, most of the time: what it names is worth a look too.
  for (const { bundle, bundleSha256, files } of Object.values(readManifest(manifest.body))) {
    const checked = await look(bundle.key, bundle.versionId, (body) =>
      bundleFault(body, bundleSha256, files),
    );
    damage.push(...checked.damage);
    if (checked.damage.length === 0) intact++;
  }
  return { region: store.region, signedBy, intact, damage };
}

/** What a key has ever signed of a release: a signature that was overwritten still proves which manifest it was. */
async function everySignature(store: ObjectStore, release: string, key: PublicKey) {
  const name = signatureKey(release, key.id);
  const versions = (await store.versions(name)).filter(({ kind }) => kind === "content");
  const objects = await Promise.all(versions.map(({ versionId }) => store.get(name, versionId)));
  return { key, bodies: objects.flatMap((object) => (object === undefined ? [] : [object.body])) };
}

/** Signed well, and in the place of another: a release's manifest, or another region's. */
function replayFault(body: Buffer, release: string, { region }: ObjectStore): string | undefined {
  const said = JSON.parse(body.toString()) as Manifest;
  if (said.release !== release) return `it is the manifest of release ${said.release}`;
  return said.region === region ? undefined : `it is the manifest of region ${said.region}`;
}

async function bundleFault(
  body: Buffer,
  expected: string,
  files: Manifest["roles"][string]["files"],
): Promise<string | undefined> {
  try {
    const tar = gunzipSync(body);
    if (sha256(tar) !== expected) return `its tar's digest is ${sha256(tar)} and not ${expected}`;
    const faults = inspectBundle(await readTar(tar), files);
    return faults.length === 0 ? undefined : `its content is not as the manifest says: ${faults.join("; ")}`;
  } catch (error) {
    return `it can't be unpacked: ${(error as Error).message}`;
  }
}

function readManifest(body: Buffer | undefined): Manifest["roles"] {
  try {
    return body === undefined ? {} : (JSON.parse(body.toString()) as Manifest).roles;
  } catch {
    return {};
  }
}

/**
 * Checks an object at the version that servers pin, and at the newest one, which whoever looks without a pin would
 * take. Gives the content of an intact version, if there is one.
 */
function objectCheck(store: ObjectStore) {
  return async (
    key: string,
    pinned: string | undefined,
    faultOf: (body: Buffer) => string | undefined | Promise<string | undefined>,
  ): Promise<{ body: Buffer | undefined; damage: Damage[] }> => {
    const versions = await store.versions(key);
    const damaged = (fault: string): Damage => ({ region: store.region, bucket: store.bucket, key, fault });
    if (versions.length === 0)
      return { body: undefined, damage: [damaged("it is gone, with all of its versions")] };
    const newest = versions[0]!;
    const seen: string[] = [];
    const good: { version: ObjectVersion; body: Buffer }[] = [];
    for (const version of versions) {
      const body = version.kind === "content" ? (await store.get(key, version.versionId))?.body : undefined;
      const fault = body === undefined ? "it was deleted" : await faultOf(body);
      if (fault === undefined) {
        good.push({ version, body: body! });
        // The rest is history, unless the pinned version is part of it.
        if (pinned === undefined || version.versionId === pinned) break;
      } else if (version === newest || version.versionId === pinned) {
        const which = version === newest ? "the newest version" : `the pinned version ${pinned}`;
        seen.push(`${which}: ${fault}`);
      }
    }
    if (pinned !== undefined && !versions.some(({ versionId }) => versionId === pinned))
      seen.push(`the pinned version ${pinned} is gone`);
    const intact = good.at(-1);
    const { versionId, at } = intact?.version ?? {};
    const offer = versionId === undefined ? {} : { intact: { versionId, at: at! } };
    return {
      body: intact?.body,
      damage: seen.length === 0 ? [] : [{ ...damaged(seen.join("; ")), ...offer }],
    };
  };
}
