import { BackupPlan } from "@cdktf/provider-aws/lib/backup-plan/index.js";
import { BackupSelection } from "@cdktf/provider-aws/lib/backup-selection/index.js";
import { BackupVaultLockConfiguration } from "@cdktf/provider-aws/lib/backup-vault-lock-configuration/index.js";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { IamRolePolicyAttachment } from "@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { Construct } from "constructs";
import { backupVault, scheduled, tags } from "../../../bootstrap/config/names.ts";
import type { Schedule } from "../../../bootstrap/config/schedule-schema.ts";
import type { Environment, Topology } from "../../../bootstrap/config/schema.ts";
import { assumedBy } from "../policies.ts";
import type { ScheduledSite } from "./schedule.ts";

/** Days in which a lock in compliance mode can still be taken back; AWS asks for three. */
const graceDays = 3;

/** The role that AWS Backup takes, with AWS's own policies, which follow what Backup learns to do. */
export class BackupRole extends Construct {
  readonly arn: string;

  constructor(
    scope: Construct,
    id: string,
    { environment, provider }: { environment: Environment; provider: AwsProvider },
  ) {
    super(scope, id);
    const role = new IamRole(this, "role", {
      provider,
      name: scheduled(environment.name, "backup"),
      assumeRolePolicy: JSON.stringify(assumedBy("backup.amazonaws.com")),
    });
    for (const kind of ["Backup", "Restores"]) {
      new IamRolePolicyAttachment(this, kind.toLowerCase(), {
        provider,
        role: role.name,
        policyArn: `arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyFor${kind}`,
      });
    }
    this.arn = role.arn;
  }
}

/**
 * The second line of one region, which shares nothing with Rekindle's recovery points but the key: AWS Backup takes
 * what carries the environment's tags into the region's vault, and copies it to the other region's. A retention of the
 * environment locks the vault too.
 */
export class BackupSchedule extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      topology: Topology;
      schedule: Schedule;
      backups: NonNullable<Schedule["backups"]>;
      role: BackupRole;
      from: ScheduledSite;
      to: ScheduledSite;
    },
  ) {
    super(scope, id);
    const { topology, schedule, backups, role, from, to } = props;
    const { environment } = topology;
    const { provider } = from;
    const lifecycle = { deleteAfter: backups.keepDays };
    const plan = new BackupPlan(this, "plan", {
      provider,
      name: backupVault(environment.name),
      rule: [
        {
          ruleName: "by-the-clock",
          targetVaultName: from.vault.name,
          schedule: backups.at,
          scheduleExpressionTimezone: schedule.timezone,
          startWindow: 60,
          completionWindow: 24 * 60,
          lifecycle,
          copyAction: [to.vault.arn, ...backups.alsoTo].map((destinationVaultArn) => ({
            destinationVaultArn,
            lifecycle,
          })),
        },
      ],
    });
    for (const { name, resources, condition } of selections(environment.name)) {
      new BackupSelection(this, name, {
        provider,
        name: `${backupVault(environment.name)}-${name}`,
        planId: plan.id,
        iamRoleArn: role.arn,
        resources,
        // All conditions must hold; of selection tags any would do.
        condition: [condition],
      });
    }
    this.#lock(environment, from);
  }

  #lock({ protection }: Environment, { provider, vault }: ScheduledSite): void {
    if (protection?.retention === undefined) return;
    const { mode, days } = protection.retention;
    new BackupVaultLockConfiguration(this, "lock", {
      provider,
      backupVaultName: vault.name,
      minRetentionDays: days,
      // What makes a lock one that nobody can take back.
      ...(mode === "compliance" ? { changeableForDays: graceDays } : {}),
    });
  }
}

/** Data volumes but no root volumes, which golden images replace; databases; and servers that can't be baked. */
function selections(environment: string) {
  const tagged = (key: string, value: string) => ({ key: `aws:ResourceTag/${key}`, value });
  const own = [tagged(tags.environment, environment)];
  return [
    {
      name: "volumes",
      resources: ["arn:aws:ec2:*:*:volume/*"],
      condition: { stringEquals: own, stringLike: [tagged(tags.volume, "*")] },
    },
    {
      name: "databases",
      resources: ["arn:aws:rds:*:*:db:*", "arn:aws:rds:*:*:cluster:*"],
      condition: { stringEquals: own },
    },
    {
      name: "servers",
      resources: ["arn:aws:ec2:*:*:instance/*"],
      condition: { stringEquals: [tagged(tags.image, environment)] },
    },
  ];
}
