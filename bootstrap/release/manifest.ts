/** One file of a bundle. */
export interface ManifestFile {
  /** Path on the server without the leading slash, such as `etc/nginx/nginx.conf`. */
  path: string;
  sha256: string;
  /** Octal, such as `0644`. */
  mode: string;
  /** Bytes. */
  size: number;
}

/** One role's part of a release, the same in every region. */
export interface ReleaseRole {
  /** Digest of the canonical tar, not of the compressed bytes. */
  bundleSha256: string;
  files: ManifestFile[];
  /** The template, as it was at the commit; `cloud-init/render.ts` fills it in. */
  userDataTemplate: string;
  /** Digest of the role's image recipe at the commit. */
  recipe: string;
}

/** One role's bundle as it lies in one region's bucket. */
export interface ManifestRole extends ReleaseRole {
  bundle: {
    /** `bundles/<role>/<sha256>.tar.gz` */
    key: string;
    /** S3 version id in this manifest's bucket. */
    versionId: string;
  };
}

/**
 * The index of one release in one region: `releases/<release>/manifest.json`.
 * Written once, on the condition that it does not exist.
 */
export interface Manifest {
  version: 1;
  /** Content name: the first 12 digits of the commit, a hyphen, 12 digits of the roles' digest. */
  release: string;
  environment: string;
  commit: string;
  region: string;
  bucket: string;
  roles: Record<string, ManifestRole>;
}

/** A release, as other stages refer to it. */
export interface ReleaseReference {
  release: string;
  commit: string;
}

/** Where a server finds its manifest, and what it must be: the pin in its user-data. */
export interface ManifestPin {
  bucket: string;
  key: string;
  versionId: string;
  sha256: string;
}

/**
 * The environment's pointer, `current.json`: the release that new servers get, and where each region keeps it.
 * Moved by compare-and-swap in the recovery region, then copied to the others.
 */
export interface Pointer {
  version: 1;
  environment: string;
  release: string;
  commit: string;
  /** Region → its manifest, and the key that its volumes are encrypted with. */
  sites: Record<string, { manifest: ManifestPin; encryptionKey: string }>;
}
