import { z } from "zod";

/** An AWS cron of six fields: minutes, hours, day of month, month, day of week, year. */
const cron = z
  .string()
  .regex(/^cron\((?:[\w*?,/#-]+ ){5}[\w*?,/#-]+\)$/, 'an AWS cron of six fields such as "cron(0 3 * * ? *)"');
const rateOrCron = z
  .string()
  .regex(
    /^(rate\([1-9]\d* (minute|hour|day)s?\)|cron\((?:[\w*?,/#-]+ ){5}[\w*?,/#-]+\))$/,
    'a rate such as "rate(30 minutes)", or an AWS cron of six fields',
  );
// As SSM takes them: some servers must be asked at a time, and none need fail.
const someServers = z
  .string()
  .regex(
    /^([1-9]\d{0,3}|[1-9]\d?%|100%)$/,
    'a quoted number of servers, at least 1, or their share such as "10%"',
  );
const anyServers = z
  .string()
  .regex(/^(0|[1-9]\d{0,3}|0%|[1-9]\d?%|100%)$/, 'a quoted number of servers, or their share such as "10%"');
const vault = z
  .string()
  .regex(/^arn:aws:backup:[a-z0-9-]+:\d{12}:backup-vault:[\w-]{2,50}$/, "a backup vault's ARN");

/** What AWS's own engines do by the clock in the primary region; the foundation sets it up. */
export const scheduleSchema = z.strictObject({
  /** In which all times but those of images are meant, such as Europe/Berlin. */
  timezone: z
    .string()
    .regex(/^[A-Za-z]+(\/[A-Za-z0-9_+-]+)*$/, "a time zone such as Europe/Berlin")
    .default("UTC"),
  /** Recovery points: EventBridge Scheduler starts an SSM Automation, which runs `rekindle snapshot` in CodeBuild. */
  points: z
    .strictObject({
      at: rateOrCron,
      /** How many servers are asked at a time whether they can be frozen, before anything is snapshotted. */
      maxConcurrency: someServers.default("10%"),
      /** How many of them may not be, before no point is attempted. */
      maxErrors: anyServers.default("0"),
    })
    .optional(),
  /** The independent second line: AWS Backup takes the data volumes and databases too, and copies them across. */
  backups: z
    .strictObject({
      at: cron,
      keepDays: z.int().min(1).max(36500),
      /** Further vaults for the copies, such as another account's, which must let this one in. */
      alsoTo: z.array(vault).default([]),
      /** When AWS Backup restores the newest copies in the recovery region, to see whether it can. */
      restoreTests: cron.optional(),
    })
    .optional(),
  /** Images, by Data Lifecycle Manager, of the instances that are tagged `rekindle:image` with the environment. */
  images: z
    .strictObject({
      /** In UTC, whatever the time zone is: DLM knows no other. */
      at: cron,
      keep: z.int().min(1).max(1000),
      /** Without it an image is of disks that are being written to. */
      reboot: z.boolean().default(false),
    })
    .optional(),
});

export type Schedule = z.infer<typeof scheduleSchema>;
