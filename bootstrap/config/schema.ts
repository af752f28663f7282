import { z } from "zod";
import { collectSchema, glob } from "./collect-schema.ts";
import { dumpSchema } from "./dump-schema.ts";
import { duration } from "./duration.ts";
import { quiesceSchema } from "./quiesce-schema.ts";
import { scheduleSchema } from "./schedule-schema.ts";

/**
 * The shape of `configs/environments/<name>.yaml` and `configs/roles/<role>/role.yaml`.
 * What one file can show by itself is checked here; what needs several files is in `rules.ts`.
 */

/** Load balancers and databases carry these names, and AWS takes no hyphen at their end and no two in a row. */
const identifier = z
  .string()
  .regex(
    /^(?=.{2,20}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    "2 to 20 lower-case letters, digits or single hyphens between them, a letter first",
  );
const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "an AWS region such as eu-central-1");
const cidr = z.string().regex(/^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/, "an IPv4 block such as 10.10.0.0/16");
const absolutePath = z.string().regex(/^\/[\w./@+-]*$/, "an absolute path");
const relativePath = z
  .string()
  .regex(/^(?!.*(^|\/)\.\.(\/|$))[\w.@+-][\w./@+-]*$/, "a path below the role's folder, without ..");
/** AWS takes 128 characters for an image, and Rekindle puts the environment's name before it. */
export const imageName = /^[a-z0-9][a-z0-9.-]{1,63}$/;
const urlPath = z.string().regex(/^\//, "a path that begins with /");
const port = z.int().min(1).max(65535);
const accountId = z.string().regex(/^\d{12}$/, "a quoted AWS account id of 12 digits");

const count = z.int().min(1).max(100_000);

const zone = z.strictObject({ public: cidr, private: cidr });
const site = z.strictObject({
  cidr,
  /** Availability zone letter → its two subnets. A load balancer needs two zones. */
  zones: z.record(z.string().regex(/^[a-f]$/, "an availability zone letter, a to f"), zone),
});

const databaseUser = z.string().regex(/^[a-z][a-z0-9_]*$/, "lower-case letters, digits or underscores");
const ofAnyDatabase = {
  engineVersion: z.string(),
  instanceClass: z.string().regex(/^db\.[a-z0-9.-]+$/, "an instance class such as db.t3.medium"),
  port,
  databaseName: databaseUser,
  username: databaseUser,
  /** Roles whose servers may connect. */
  clients: z.array(identifier).min(1),
  backupRetentionDays: z.int().min(1).max(35).default(7),
};
const database = z.discriminatedUnion("engine", [
  z.strictObject({
    engine: z.enum(["postgres", "mysql", "mariadb"]),
    ...ofAnyDatabase,
    storageGiB: z.int().min(20).max(65536),
    /** Also keeps the automated backups in the recovery region, which can then restore to any second. */
    replicateBackups: z.boolean().default(false),
  }),
  /** A cluster: RDS replicates no automated backups of one, so that another region has its snapshots only. */
  z.strictObject({
    engine: z.enum(["aurora-postgresql", "aurora-mysql"]),
    ...ofAnyDatabase,
    /** The writer and its readers. */
    instances: z.int().min(1).max(16).default(1),
  }),
]);

export const environmentSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  name: identifier,
  description: z.string().optional(),
  account: accountId,
  regions: z.strictObject({ primary: region, recovery: region }),
  network: z.strictObject({ primary: site, recovery: site }),
  roles: z.record(
    identifier,
    z.strictObject({
      count: z.int().min(1).max(1000),
      instanceType: z.string().regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "an instance type such as t3.small"),
      /** Roles and databases that must be there first. */
      dependsOn: z.array(identifier).default([]),
    }),
  ),
  databases: z.record(identifier, database).default({}),
  /** Database servers that `rekindle dump` reads, each with a name of its own. */
  dumps: z.record(identifier, dumpSchema).default({}),
  objectives: z.strictObject({
    rpo: duration,
    rto: duration,
    /** How far apart the moments of a plan's data sets may lie. */
    maxSkew: duration.optional(),
  }),
  /** What a recovery point may be: one whose data could not be made quiet counts only where crash consistency does. */
  consistency: z.strictObject({ allowCrash: z.boolean().default(false) }).optional(),
  /**
   * How the clients of a game day use the environment, through a role's load balancer: a POST to `write` adds a row, a
   * GET of `last` reads the newest one; both answer `{ "id": 7, "at": "2026-11-24T03:00:00Z" }`.
   */
  rehearsal: z.strictObject({ role: identifier, write: urlPath, last: urlPath }).optional(),
  schedule: scheduleSchema.optional(),
  /**
   * Which recovery points `rekindle prune` keeps: the newest of so many hours, days, … (UTC), each region counted for
   * itself. The newest complete one of each region, pinned ones and held ones stay in any case.
   */
  retention: z
    .strictObject({
      keepLast: count.optional(),
      keepHourly: count.optional(),
      keepDaily: count.optional(),
      keepWeekly: count.optional(),
      keepMonthly: count.optional(),
      keepYearly: count.optional(),
      /** So many complete points stay in each region whatever the rules say. */
      minimumCount: count.default(1),
      /** No younger point goes. */
      minimumAge: duration.default("1d"),
      /** Older points that only a monthly or yearly rule keeps move to EBS's archive tier, which is billed for 90 days at least. */
      archiveAfter: duration.optional(),
    })
    .refine(
      (policy) => Object.keys(policy).some((key) => key.startsWith("keep")),
      "at least one keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly or keepYearly",
    )
    .optional(),
  /** What guards the buckets beyond versioning and encryption. */
  protection: z
    .strictObject({
      /** No version can be deleted before so many days: by nobody (`compliance`), or by few (`governance`). */
      retention: z
        .strictObject({ mode: z.enum(["governance", "compliance"]), days: z.int().min(1).max(36500) })
        .optional(),
      /** Also copies to the other region what servers and hosts write to one region only. */
      replicate: z.boolean().default(false),
    })
    .optional(),
  /** Where recovery points and images go beside the recovery region. */
  copies: z
    .strictObject({
      regions: z.array(region).default([]),
      /** A vault for the day when the account itself is lost: another account, in the recovery region. */
      account: z
        .strictObject({
          id: accountId,
          role: z
            .string()
            .regex(/^[\w+=,.@/-]+$/, "the name of a role of that account, which this one may take"),
        })
        .optional(),
      /** How many copies into one region run at a time. EC2 takes 20. */
      atOnce: z.int().min(1).max(20).default(5),
    })
    .optional(),
});

const baseImage = z.union([
  z.strictObject({ ssmParameter: z.string().regex(/^\/[\w./-]+$/, "an SSM parameter's path") }),
  z.strictObject({ owner: z.string(), name: z.string() }),
]);

/** How a golden image is baked. */
const recipe = z.strictObject({
  base: baseImage,
  rootVolumeGiB: z.int().min(4).max(16384).default(8),
  packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9+.-]*$/, "a package name")).default([]),
  /** Files of the role's folder that are baked in: programs, not configuration. */
  files: z
    .array(
      z.strictObject({
        source: relativePath,
        path: absolutePath,
        mode: z
          .string()
          .regex(/^0[0-7]{3}$/, 'a quoted mode such as "0755"')
          .default("0644"),
      }),
    )
    .default([]),
});

/** An image that `rekindle image` took of a server that no recipe makes. */
const takenImage = z.strictObject({
  taken: z.string().regex(imageName, "the name of an image that `rekindle image` took"),
  /** As large as the image's own when left out. */
  rootVolumeGiB: z.int().min(4).max(16384).optional(),
});

const volume = z.strictObject({
  name: identifier,
  device: z.string().regex(/^\/dev\/(sd[f-p]|xvd[f-p])$/, "a data device from /dev/sdf to /dev/sdp"),
  sizeGiB: z.int().min(1).max(65536),
  type: z.enum(["gp3", "gp2", "io1", "io2", "st1", "sc1"]).default("gp3"),
  iops: z.int().min(100).optional(),
  throughputMiBps: z.int().min(125).optional(),
});

const unit = z.string().regex(/^[\w@.-]+$/, "a systemd unit");
/** How long a role may take to be healthy after a boot before its server goes back to the release before. */
const healthTimeout = duration.default("120s");
const templateName = z.string().regex(/^[\w][\w.-]*$/, "the name of a file below cloud-init/templates");

export const roleSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  description: z.string().optional(),
  image: z.union([recipe, takenImage]),
  /** With a load balancer a role is stateless: its servers are an Auto Scaling group's. */
  loadBalancer: z.strictObject({ listenPort: port, targetPort: port }).optional(),
  /** Ports that servers of other roles may reach. */
  listens: z.array(z.strictObject({ port, from: z.array(identifier).min(1) })).default([]),
  volumes: z.array(volume).default([]),
  /** How the data volumes make one file system. */
  storage: z
    .strictObject({
      /** `striped` over md, `lvm` over a volume group of its own; `single` is one volume as it is. */
      layout: z.enum(["single", "striped", "lvm"]),
      filesystem: z.enum(["ext4", "xfs"]),
      mount: absolutePath,
    })
    .optional(),
  /** How the data is made quiet while its volumes are snapshotted; `filesystem` when left out. */
  quiesce: quiesceSchema.optional(),
  /** Units that are restarted when their configuration changed. */
  services: z.array(unit).default([]),
  /** Unit → the files that it reads. A unit that is not named here restarts when any file changed. */
  restarts: z.record(unit, z.array(glob).min(1)).default({}),
  /** Parts of the user-data, files below `cloud-init/templates/` in this order; `<role>.yaml` when left out. */
  userData: z.array(templateName).min(1).optional(),
  collect: collectSchema.optional(),
  health: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("http"),
      port,
      path: urlPath,
      timeout: healthTimeout,
    }),
    z.strictObject({ kind: z.literal("tcp"), port, timeout: healthTimeout }),
    z.strictObject({ kind: z.literal("command"), command: z.string().min(1), timeout: healthTimeout }),
  ]),
});

/** One environment, as `configs/environments/<name>.yaml` describes it. Sizes in GiB, durations as text. */
export type Environment = z.infer<typeof environmentSchema>;
/** One kind of server, as `configs/roles/<role>/role.yaml` describes it. */
export type Role = z.infer<typeof roleSchema>;
export type BaseImage = z.infer<typeof baseImage>;
export type Health = Role["health"];
export type Volume = Role["volumes"][number];
export type Database = Environment["databases"][string];
export type SiteNetwork = Environment["network"]["primary"];
export type Site = "primary" | "recovery";

/** An environment with every role that it names: what all commands and stacks work from. */
export interface Topology {
  environment: Environment;
  roles: Readonly<Record<string, Role>>;
}
