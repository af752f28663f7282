import {
  paginateDescribeDBInstanceAutomatedBackups,
  RDSClient,
  StartDBInstanceAutomatedBackupsReplicationCommand,
  StopDBInstanceAutomatedBackupsReplicationCommand,
} from "@aws-sdk/client-rds";
import { type AwsAccess, clientConfig, connected } from "./access.ts";

/** One region's copies of another's automated backups. Instances by their ARNs. */
export interface BackupReplication {
  readonly region: string;
  /** The ARN of the automated backup that follows an instance; nothing when none does. */
  look(instance: string): Promise<string | undefined>;
  /** What has arrived stays until it expires. */
  stop(instance: string): Promise<void>;
  /** Gives the ARN of the automated backup. */
  start(instance: string, keyArn: string, retentionDays: number): Promise<string>;
}

export function rdsReplication(access: AwsAccess, region: string): BackupReplication {
  const client = connected(new RDSClient(clientConfig(access, region)), access, region);
  return {
    region,
    async look(instance) {
      const asked = { DBInstanceIdentifier: instance.split(":").at(-1)! };
      for await (const page of paginateDescribeDBInstanceAutomatedBackups({ client }, asked)) {
        const following = page.DBInstanceAutomatedBackups?.find(
          // RDS writes its words with a capital letter at times.
          ({ DBInstanceArn, Status }) =>
            DBInstanceArn === instance && /^(pending|replicating)$/i.test(Status ?? ""),
        );
        if (following !== undefined) return following.DBInstanceAutomatedBackupsArn!;
      }
      return undefined;
    },
    async stop(instance) {
      await client.send(
        new StopDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn: instance }),
      );
    },
    async start(instance, keyArn, retentionDays) {
      const { DBInstanceAutomatedBackup } = await client.send(
        new StartDBInstanceAutomatedBackupsReplicationCommand({
          SourceDBInstanceArn: instance,
          KmsKeyId: keyArn,
          BackupRetentionPeriod: retentionDays,
        }),
      );
      return DBInstanceAutomatedBackup!.DBInstanceAutomatedBackupsArn!;
    },
  };
}
