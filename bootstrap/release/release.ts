import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { canonicalJson, sha256 } from "./digest.ts";
import type {
  Manifest,
  ManifestEntry,
  ManifestPin,
  ReleaseRole,
  ServerDuties,
  UserDataPart,
} from "./manifest.ts";
import type { PackedTree } from "./packed-trees.ts";
import { canonicalTar } from "./tar.ts";
import type { TreeEntry } from "./tree.ts";

/** Quickly rather than well: text shrinks to a third at any level, and a release waits for it. */
const compress = (tar: Buffer) => promisify(gzip)(tar, { level: 1 });

/** What one role contributes: its configuration as it lies on the server, its duties there, and its user-data. */
export interface RoleSource {
  /** In code point order. */
  tree: TreeEntry[];
  /** The same tree as it was packed before: then nobody need look at it. */
  packed?: PackedTree;
  /** Services to restart when a path changed; all of them for nothing. */
  restartedBy(path: string): string[] | undefined;
  duties: ServerDuties;
  userData: UserDataPart[];
  recipe: string;
}

/** A release before it is anywhere: every role's bundle, a compressed tar, and what the manifest will say of it. */
export interface Release {
  release: string;
  environment: string;
  commit: string;
  roles: Record<string, ReleaseRole & { bundle: () => Promise<Buffer> }>;
}

/** Packs one commit's roles. A pure function of its arguments: the same commit gives the same release. */
export async function assembleRelease(
  environment: string,
  commit: string,
  sources: Readonly<Record<string, RoleSource>>,
): Promise<Release> {
  const roles: Release["roles"] = {};
  for (const name of Object.keys(sources).sort()) {
    const source = sources[name]!;
    roles[name] = {
      ...source.duties,
      ...(await packTree(source)),
      userData: source.userData,
      recipe: source.recipe,
    };
  }
  return { release: releaseName(environment, commit, roles), environment, commit, roles };
}

async function packTree(source: RoleSource): Promise<PackedTree & Pick<Release["roles"][string], "bundle">> {
  if (source.packed !== undefined)
    return { ...source.packed, bundle: async () => compress(await canonicalTar(source.tree)) };
  const { tree, restartedBy } = source;
  const tar = await canonicalTar(tree);
  const files = tree.map((entry) => describe(entry, restartedBy(entry.path)));
  // On another thread, while the next role is packed; and once, for all regions.
  const bundle = compress(tar);
  return { bundle: () => bundle, bundleSha256: sha256(tar), files };
}

/** Whether a stored manifest is this release's: all of it but the S3 versions, which are the bucket's own. */
export function isManifestOf(manifest: Manifest, release: Release): boolean {
  const stored = Object.entries(manifest.roles).map(([role, { bundle: _bundle, ...said }]) => [role, said]);
  const own = Object.entries(release.roles).map(([role, { bundle: _bundle, ...said }]) => [role, said]);
  const { environment, commit } = manifest;
  return (
    canonicalJson({ environment, commit, stored }) ===
    canonicalJson({ environment: release.environment, commit: release.commit, stored: own })
  );
}

export function bundleKey(role: string, tarSha256: string): string {
  return `bundles/${role}/${tarSha256}.tar.gz`;
}

export function manifestKey(release: string): string {
  return `releases/${release}/manifest.json`;
}

/** The manifest as it is stored: canonical, so that its digest is a fact of its content. */
export function manifestPin(bucket: string, release: string, versionId: string, body: string): ManifestPin {
  return { bucket, key: manifestKey(release), versionId, sha256: sha256(body) };
}

function releaseName(environment: string, commit: string, roles: Release["roles"]): string {
  // The tar is in its digest.
  const content = Object.entries(roles).map(([role, { bundle: _bundle, ...said }]) => ({ role, ...said }));
  return `${commit.slice(0, 12)}-${sha256(canonicalJson({ environment, content })).slice(0, 12)}`;
}

function describe(entry: TreeEntry, units: string[] | undefined): ManifestEntry {
  const { kind, path, owner, group } = entry;
  const common = { path, owner, group, ...(units === undefined ? {} : { units }) };
  switch (kind) {
    case "file": {
      const { content, mode, template } = entry;
      const described = { kind, ...common, sha256: sha256(content), size: content.byteLength, mode };
      return template ? { ...described, template } : described;
    }
    case "link":
      return { kind, ...common, target: entry.target };
    case "directory":
      return { kind, ...common, mode: entry.mode };
  }
}
