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

/** One role's bundle as it lies in one region's bucket. */
export interface ManifestRole {
  bundle: {
    /** `bundles/<role>/<sha256>.tar.gz` */
    key: string;
    /** S3 version id in this manifest's bucket. */
    versionId: string;
    /** Digest of the canonical tar, not of the compressed bytes. */
    sha256: string;
  };
  files: ManifestFile[];
  userData: {
    /** The template, as it was at the commit; `cloud-init/render.ts` fills it in. */
    template: string;
    sha256: string;
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
