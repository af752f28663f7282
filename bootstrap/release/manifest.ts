interface ManifestPath {
  /** Path on the server without the leading slash, such as `etc/nginx/nginx.conf`. */
  path: string;
  /** By name, or by number where the host that it came from has no name. */
  owner: string;
  group: string;
  /** Services to restart when it changes; all of the role's when left out. */
  units?: string[];
}

/** One thing of a bundle. Sizes in bytes, modes octal such as `0644`. */
export type ManifestEntry = ManifestPath &
  (
    | {
        kind: "file";
        /** Of the content in the bundle; a template's is not what lies on the server. */
        sha256: string;
        size: number;
        mode: string;
        template?: true;
      }
    | { kind: "link"; target: string }
    | { kind: "directory"; mode: string }
  );

/** One part of a role's user-data; `cloud-init/render.ts` fills it in. */
export interface UserDataPart {
  name: string;
  content: string;
}

/** What a server of the role is to run, as its boot script reads it. */
export interface ServerDuties {
  services: string[];
  health: HealthCheck;
  volumes: { name: string; device: string }[];
  storage?: { layout: "single" | "striped" | "lvm"; filesystem: string; mount: string };
}

export type HealthCheck = { timeoutSeconds: number } & (
  | { kind: "http"; port: number; path: string }
  | { kind: "tcp"; port: number }
  | { kind: "command"; command: string }
);

/** One role's part of a release, the same in every region. */
export interface ReleaseRole extends ServerDuties {
  /** Digest of the canonical tar, not of the compressed bytes. */
  bundleSha256: string;
  files: ManifestEntry[];
  /** The templates, as they were at the commit. */
  userData: UserDataPart[];
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
