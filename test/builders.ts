import type { Role, Topology } from "../bootstrap/config/schema.ts";
import { environmentSchema, roleSchema } from "../bootstrap/config/schema.ts";
import type { GoldenImage } from "../bootstrap/image/image.ts";
import type { DatabaseSet, RecoveryPoint } from "../bootstrap/recovery/point.ts";
import type { CatalogContents } from "../bootstrap/recovery/resolve.ts";
import type { Manifest } from "../bootstrap/release/manifest.ts";
import type { RoleSource } from "../bootstrap/release/release.ts";
import type { TreeEntry } from "../bootstrap/release/tree.ts";

/** Small, whole values that tests vary one thing of. */

export const primary = "eu-west-1";
export const recovery = "eu-central-1";
export const account = "123456789012";

export function aRole(changes: Record<string, unknown> = {}): Role {
  return roleSchema.parse({
    version: 1,
    image: { base: { ssmParameter: "/base/image" }, packages: ["nginx"] },
    health: { kind: "tcp", port: 5432 },
    ...changes,
  });
}

/** A fleet `web` before a stateful server `db` with two volumes. */
export function aTopology(changes: Record<string, unknown> = {}, roles: Record<string, Role> = {}): Topology {
  const zones = (base: string) => ({
    a: { public: `${base}.0.0/24`, private: `${base}.10.0/24` },
    b: { public: `${base}.1.0/24`, private: `${base}.11.0/24` },
  });
  return {
    environment: environmentSchema.parse({
      version: 1,
      name: "shop",
      account,
      regions: { primary, recovery },
      network: {
        primary: { cidr: "10.10.0.0/16", zones: zones("10.10") },
        recovery: { cidr: "10.20.0.0/16", zones: zones("10.20") },
      },
      roles: {
        web: { count: 2, instanceType: "t3.small", dependsOn: ["db"] },
        db: { count: 1, instanceType: "t3.medium" },
      },
      objectives: { rpo: "1h", rto: "15m" },
      ...changes,
    }),
    roles: {
      web: aRole({
        loadBalancer: { listenPort: 80, targetPort: 80 },
        health: { kind: "http", port: 80, path: "/healthz" },
      }),
      db: aRole({
        listens: [{ port: 5432, from: ["web"] }],
        volumes: [
          { name: "data-0", device: "/dev/sdf", sizeGiB: 10 },
          { name: "data-1", device: "/dev/sdg", sizeGiB: 10 },
        ],
        storage: { layout: "striped", filesystem: "xfs", mount: "/var/lib/postgresql" },
      }),
      ...roles,
    },
  };
}

/** As an environment's file describes it. */
export function aDatabase(changes: Record<string, unknown> = {}) {
  return {
    engine: "postgres",
    engineVersion: "15.8",
    instanceClass: "db.t3.medium",
    storageGiB: 20,
    port: 5432,
    databaseName: "ledger",
    username: "ledger",
    clients: ["web"],
    ...changes,
  };
}

/** A snapshot of the database `ledger`, in both regions. */
export function aDatabaseSet(takenAt: string): DatabaseSet {
  return {
    kind: "database",
    database: "ledger",
    takenAt,
    observed: { label: "crash", ran: [], reasons: ["RDS takes its snapshots of a database that runs"] },
    snapshots: { [primary]: "ledger-p", [recovery]: "ledger-r" },
  };
}

export function aPoint(changes: Partial<RecoveryPoint> = {}): RecoveryPoint {
  const takenAt = changes.takenAt ?? "2026-11-24T10:00:00.000Z";
  return {
    version: 1,
    id: `point-${takenAt.replace(/[-:.]/g, "").toLowerCase()}`,
    environment: "shop",
    takenAt,
    status: "complete",
    consistency: "crash",
    release: { release: "aaaaaaaaaaaa-111111111111", commit: "a".repeat(40) },
    recipes: { web: "recipe-web", db: "recipe-db" },
    sets: [
      {
        kind: "volumes",
        server: "db-0",
        role: "db",
        takenAt,
        observed: { label: "crash", ran: [], reasons: ["nothing was frozen"] },
        volumes: ["data-0", "data-1"].map((name) => ({
          name,
          sizeGiB: 10,
          snapshots: { [primary]: `snap-p-${name}`, [recovery]: `snap-r-${name}` },
        })),
      },
    ],
    faults: [],
    ...changes,
  };
}

/** One role's part of a release, of which tests vary one thing. */
export function aRoleSource(changes: Partial<RoleSource> = {}): RoleSource {
  return {
    tree: [aFile("etc/a.conf", "a"), aFile("etc/b.conf", "b")],
    restartedBy: () => undefined,
    duties: { services: [], health: { kind: "tcp", port: 80, timeoutSeconds: 120 }, volumes: [] },
    userData: [{ name: "web.yaml", content: "#cloud-config\n# {{release}}\n" }],
    recipe: "r1",
    ...changes,
  };
}

export function aFile(path: string, text: string, mode = "0644"): TreeEntry {
  return {
    kind: "file",
    path,
    mode,
    owner: "root",
    group: "root",
    content: Buffer.from(text),
    template: false,
  };
}

export function aManifest(changes: Partial<Manifest> = {}): Manifest {
  const role = (name: string) => ({
    bundle: { key: `bundles/${name}/0.tar.gz`, versionId: "v1" },
    bundleSha256: "0".repeat(64),
    files: [],
    services: [],
    health: { kind: "tcp" as const, port: 80, timeoutSeconds: 120 },
    volumes: [],
    userData: [
      { name: `${name}.yaml`, content: `#cloud-config\n# ${name} {{release}} {{manifestSha256}}\n` },
    ],
    recipe: `recipe-${name}`,
  });
  return {
    version: 1,
    release: "aaaaaaaaaaaa-111111111111",
    environment: "shop",
    commit: "a".repeat(40),
    region: recovery,
    bucket: `rekindle-shop-${account}-${recovery}`,
    roles: { web: role("web"), db: role("db") },
    ...changes,
  };
}

export function anImage(role: string, changes: Partial<GoldenImage> = {}): GoldenImage {
  return {
    version: 1,
    environment: "shop",
    recipe: `recipe-${role}`,
    roles: [role],
    commit: "a".repeat(40),
    baseImageId: "ami-base",
    createdAt: "2026-11-24T09:00:00.000Z",
    images: { [primary]: `ami-p-${role}`, [recovery]: `ami-r-${role}` },
    ...changes,
  };
}

export function aCatalog(changes: Partial<CatalogContents> = {}): CatalogContents {
  const manifest = aManifest();
  const site = (region: string) => ({
    manifest: {
      bucket: `rekindle-shop-${account}-${region}`,
      key: `releases/${manifest.release}/manifest.json`,
      versionId: "v1",
      sha256: "1".repeat(64),
    },
    encryptionKey: `arn:aws:kms:${region}:${account}:key/k`,
  });
  return {
    pointer: {
      version: 1,
      environment: "shop",
      release: manifest.release,
      commit: manifest.commit,
      sites: { [recovery]: site(recovery), [primary]: site(primary) },
    },
    manifests: { [manifest.release]: { manifest, pin: site(recovery).manifest } },
    images: [anImage("web"), anImage("db")],
    points: [aPoint()],
    ...changes,
  };
}
