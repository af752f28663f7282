import { App, Testing } from "cdktf";
import type { Database, Environment, Role, Site, Topology } from "../../bootstrap/config/schema.ts";
import type { DatabasePin } from "../../bootstrap/recovery/database-pin.ts";
import type { Pins } from "../../bootstrap/recovery/pins.ts";
import type { Resolved, SynthesisInput } from "../../bootstrap/recovery/synthesis.ts";
import { addStacks } from "../../stacks/app.ts";

export const account = "123456789012";
const regions = { primary: "eu-central-1", recovery: "eu-west-1" };

/** One Terraform stack as it is written: resource type → address → arguments. */
export interface Synthesized {
  resource: Record<string, Record<string, Arguments>>;
  data?: Record<string, Record<string, Arguments>>;
  provider: Record<string, Arguments[]>;
  terraform: { backend: { s3: Arguments }; required_version: string };
  output?: Record<string, { value: unknown }>;
}
// biome-ignore lint/suspicious/noExplicitAny: synthesized JSON, whose shape is what the tests are about
export type Arguments = Record<string, any>;

export type StackName = "foundation-stack" | "primary-stack" | "recovery-stack";

/** The three stacks of an input. */
export function synthesize(input: SynthesisInput): Record<StackName, Synthesized> {
  const app = Testing.stubVersion(new App({ outdir: Testing.app().outdir }));
  addStacks(app, input);
  const stack = (name: StackName) =>
    JSON.parse(Testing.synth(app.node.findChild(name) as never)) as Synthesized;
  return {
    "foundation-stack": stack("foundation-stack"),
    "primary-stack": stack("primary-stack"),
    "recovery-stack": stack("recovery-stack"),
  };
}

/** The foundation of a shop that asks for protection. */
export function foundationWith(protection: NonNullable<Environment["protection"]>): Synthesized {
  return foundationOf({ protection });
}

/** The foundation of a shop that has copies in more places. */
export function withCopies(copies: NonNullable<Environment["copies"]>): Synthesized {
  return foundationOf({ copies });
}

function foundationOf(changes: Partial<Environment>): Synthesized {
  const shopInput = shop();
  const environment = { ...shopInput.topology.environment, ...changes };
  return synthesize({ ...shopInput, topology: { ...shopInput.topology, environment } })["foundation-stack"];
}

/** Everything that AWS's engines can do by the clock. */
export const everySchedule: NonNullable<Environment["schedule"]> = {
  timezone: "Europe/Berlin",
  points: { at: "rate(30 minutes)", maxConcurrency: "5", maxErrors: "1" },
  backups: {
    at: "cron(0 3 * * ? *)",
    keepDays: 35,
    alsoTo: ["arn:aws:backup:eu-west-1:210987654321:backup-vault:shop"],
    restoreTests: "cron(0 6 ? * SUN *)",
  },
  images: { at: "cron(0 2 * * ? *)", keep: 7, reboot: false },
};

/** The foundation of a shop that has AWS work by the clock. */
export function foundationScheduled(
  schedule: NonNullable<Environment["schedule"]>,
  protection?: NonNullable<Environment["protection"]>,
): Synthesized {
  const shopInput = shop();
  const environment = {
    ...shopInput.topology.environment,
    schedule,
    ...(protection === undefined ? {} : { protection }),
  };
  return synthesize({ ...shopInput, topology: { ...shopInput.topology, environment } })["foundation-stack"];
}

/** Every resource of a type, without its address. */
export function all(stack: Synthesized, type: string): Arguments[] {
  return Object.values(stack.resource[type] ?? {});
}

/** Web servers behind a load balancer, an application server and a PostgreSQL server with two data volumes. */
export function shop(change: { counts?: Record<string, number> } = {}): SynthesisInput {
  const roles: Record<string, Role> = {
    web: role({
      loadBalancer: { listenPort: 80, targetPort: 8080 },
      health: { kind: "http", port: 8080, path: "/healthz", timeout: "120s" },
    }),
    app: role({
      listens: [{ port: 9000, from: ["web"] }],
      health: { kind: "tcp", port: 9000, timeout: "120s" },
    }),
    db: role({
      listens: [{ port: 5432, from: ["app"] }],
      volumes: [
        { name: "data-0", device: "/dev/sdf", sizeGiB: 20, type: "gp3" },
        { name: "data-1", device: "/dev/sdg", sizeGiB: 20, type: "gp3", iops: 4000, throughputMiBps: 250 },
      ],
      storage: { layout: "striped", filesystem: "xfs", mount: "/var/lib/postgresql" },
    }),
  };
  const counts = { web: 2, app: 1, db: 1, ...change.counts };
  const environment = environmentNamed("shop", {
    roles: {
      web: { count: counts.web, instanceType: "t3.small", dependsOn: ["app"] },
      app: { count: counts.app, instanceType: "t3.small", dependsOn: ["db"] },
      db: { count: counts.db, instanceType: "m5.large", dependsOn: [] },
    },
  });
  return input({ environment, roles }, { "db-0": ["data-0", "data-1"] });
}

/** Two application servers and an RDS PostgreSQL. */
export function ledger(): SynthesisInput {
  const database: Database = {
    engine: "postgres",
    engineVersion: "16.3",
    instanceClass: "db.t3.medium",
    storageGiB: 20,
    port: 5432,
    databaseName: "ledger",
    username: "ledger",
    clients: ["app"],
    backupRetentionDays: 7,
    replicateBackups: true,
  };
  return withDatabase(database);
}

/** The same on an Aurora cluster. */
export function clustered(): SynthesisInput {
  return withDatabase({
    engine: "aurora-postgresql",
    engineVersion: "16.3",
    instanceClass: "db.r6g.large",
    instances: 2,
    port: 5432,
    databaseName: "ledger",
    username: "ledger",
    clients: ["app"],
    backupRetentionDays: 7,
  });
}

/** With another beginning of its database in the recovery region. */
export function beginningWith(made: SynthesisInput, pin: DatabasePin): SynthesisInput {
  const { recovery } = made;
  if (recovery.kind === "refused") throw new Error(recovery.reasons.join());
  return { ...made, recovery: { ...recovery, pins: { ...recovery.pins, databases: { ledger: pin } } } };
}

function withDatabase(database: Database): SynthesisInput {
  const environment = environmentNamed("ledger", {
    roles: { app: { count: 2, instanceType: "t3.small", dependsOn: ["ledger"] } },
    databases: { ledger: database },
  });
  return input({ environment, roles: { app: role({}) } }, {});
}

export function refusedBecause(...reasons: string[]): Resolved {
  return { kind: "refused", reasons };
}

function input(topology: Topology, data: Record<string, string[]>): SynthesisInput {
  return {
    version: 1,
    topology,
    primary: { kind: "pinned", pins: pinsOf(topology, "primary", {}) },
    recovery: { kind: "pinned", pins: pinsOf(topology, "recovery", data) },
  };
}

function pinsOf({ environment }: Topology, site: Site, data: Record<string, string[]>): Pins {
  const region = regions[site];
  const databases = Object.keys(environment.databases);
  return {
    site,
    region,
    account,
    release: { release: "0123456789ab-cdef01234567", commit: "0123456789abcdef0123456789abcdef01234567" },
    manifest: {
      bucket: `rekindle-${environment.name}-${account}-${region}`,
      key: "releases/0123456789ab-cdef01234567/manifest.json",
      versionId: `version-in-${site}`,
      sha256: "ab".repeat(32),
    },
    encryptionKey: `arn:aws:kms:${region}:${account}:key/00000000-0000-4000-8000-000000000000`,
    roles: Object.fromEntries(
      Object.keys(environment.roles).map((name) => [
        name,
        {
          imageId: `ami-${site === "primary" ? "1" : "2"}2345678`,
          recipe: "0123456789ab",
          userData: [
            {
              name: "server.yaml",
              content: "#cloud-config\n# {{server}} of {{environment}}, release {{release}}\n",
            },
          ],
        },
      ]),
    ),
    volumes: Object.fromEntries(
      Object.entries(data).map(([server, names]) => [
        server,
        names.map((name) => ({ name, snapshotId: `snap-of-${name}` })),
      ]),
    ),
    databases: Object.fromEntries(
      databases.map((name) => [
        name,
        site === "primary" ? { kind: "fresh" } : { kind: "snapshot", snapshotId: `snapshot-of-${name}` },
      ]),
    ),
    ...(site === "primary"
      ? {
          backupsTo: {
            region: regions.recovery,
            encryptionKey: `arn:aws:kms:${regions.recovery}:${account}:key/00000000-0000-4000-8000-000000000000`,
          },
        }
      : {}),
  };
}

function environmentNamed(name: string, change: Partial<Environment>): Environment {
  const zones = (block: number) => ({
    a: { public: `10.${block}.0.0/24`, private: `10.${block}.64.0/18` },
    b: { public: `10.${block}.1.0/24`, private: `10.${block}.128.0/18` },
  });
  return {
    version: 1,
    name,
    account,
    regions,
    network: {
      primary: { cidr: "10.10.0.0/16", zones: zones(10) },
      recovery: { cidr: "10.20.0.0/16", zones: zones(20) },
    },
    roles: {},
    databases: {},
    dumps: {},
    objectives: { rpo: "1h", rto: "15m" },
    ...change,
  };
}

function role(change: Partial<Role>): Role {
  return {
    version: 1,
    image: { base: { owner: "self", name: "base-*" }, rootVolumeGiB: 8, packages: [], files: [] },
    listens: [],
    volumes: [],
    services: [],
    restarts: {},
    health: { kind: "tcp", port: 8080, timeout: "120s" },
    ...change,
  };
}
