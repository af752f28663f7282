import { canonicalJson, sha256 } from "./digest.ts";
import type { ManifestFile, ManifestPin, ReleaseRole } from "./manifest.ts";
import { type ArchiveFile, canonicalTar } from "./tar.ts";

/** What one role contributes: its configuration as it lies on the server, and its user-data template. */
export interface RoleSource {
  /** Paths relative to the server's root. */
  files: ArchiveFile[];
  userDataTemplate: string;
  recipe: string;
}

/** A release before it is anywhere: every role's tar and what the manifest will say of it. */
export interface Release {
  release: string;
  environment: string;
  commit: string;
  roles: Record<string, ReleaseRole & { tar: Buffer }>;
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
    const tar = await canonicalTar(source.files);
    roles[name] = {
      tar,
      bundleSha256: sha256(tar),
      files: source.files.map(describeFile).sort((a, b) => (a.path < b.path ? -1 : 1)),
      userDataTemplate: source.userDataTemplate,
      recipe: source.recipe,
    };
  }
  return { release: releaseName(environment, commit, roles), environment, commit, roles };
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

function releaseName(environment: string, commit: string, roles: Record<string, ReleaseRole>): string {
  const content = Object.entries(roles).map(([role, { bundleSha256, userDataTemplate, recipe }]) => ({
    role,
    bundleSha256,
    userData: sha256(userDataTemplate),
    recipe,
  }));
  return `${commit.slice(0, 12)}-${sha256(canonicalJson({ environment, content })).slice(0, 12)}`;
}

function describeFile(file: ArchiveFile): ManifestFile {
  return { path: file.path, sha256: sha256(file.content), mode: file.mode, size: file.content.byteLength };
}
