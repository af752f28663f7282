import {
  type DBInstance,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
} from "@aws-sdk/client-rds";
import type { DatabaseRestore } from "../../recovery/database-restore.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** An instance as far as a restore needs to know it. */
export interface LiveInstance {
  arn: string;
  status: string;
  /** `host:port`. */
  endpoint: string;
  /** Empty for one whose password RDS does not manage. */
  secretArn: string;
}

/** RDS instances of one region, to bring one back in its own place. No operation waits: callers do. */
export interface DatabaseInstances {
  readonly region: string;
  /** Nothing when there is none of that name. */
  look(identifier: string): Promise<LiveInstance | undefined>;
  /** Makes an instance like the one that is there, with the data of another moment. */
  restore(restore: DatabaseRestore): Promise<void>;
  rename(identifier: string, to: string): Promise<void>;
  /** Has RDS keep the password in a secret of the instance's own. */
  managePassword(identifier: string): Promise<void>;
  remove(identifier: string): Promise<void>;
}

export function rdsInstances(access: AwsAccess, region: string): DatabaseInstances {
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  const describe = async (identifier: string): Promise<DBInstance | undefined> => {
    try {
      const asked = new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier });
      return (await rds.send(asked)).DBInstances?.[0];
    } catch (error) {
      if (/^DBInstanceNotFound(Fault)?$/.test(errorCode(error))) return undefined;
      throw error;
    }
  };
  return {
    region,
    async look(identifier) {
      const found = await describe(identifier);
      if (found === undefined) return undefined;
      return {
        arn: found.DBInstanceArn!,
        status: found.DBInstanceStatus ?? "",
        endpoint: found.Endpoint === undefined ? "" : `${found.Endpoint.Address}:${found.Endpoint.Port}`,
        secretArn: found.MasterUserSecret?.SecretArn ?? "",
      };
    },
    async restore({ identifier, from, aside }) {
      const present = await describe(identifier);
      if (present === undefined) throw new Error(`there is no DB instance ${identifier} in ${region}`);
      if (from.kind === "snapshot") {
        await rds.send(
          new RestoreDBInstanceFromDBSnapshotCommand({
            DBInstanceIdentifier: aside,
            DBSnapshotIdentifier: from.snapshotId,
            ...likeThe(present),
          }),
        );
        return;
      }
      if (from.source.kind !== "live")
        throw new Error(`${identifier} is not restored from another region's backup`);
      await rds.send(
        new RestoreDBInstanceToPointInTimeCommand({
          SourceDBInstanceIdentifier: from.source.identifier,
          TargetDBInstanceIdentifier: aside,
          RestoreTime: new Date(from.restoreTime),
          ...likeThe(present),
        }),
      );
    },
    async rename(identifier, to) {
      await rds.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: identifier,
          NewDBInstanceIdentifier: to,
          ApplyImmediately: true,
        }),
      );
    },
    async managePassword(identifier) {
      await rds.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: identifier,
          ManageMasterUserPassword: true,
          ApplyImmediately: true,
        }),
      );
    },
    async remove(identifier) {
      await rds.send(
        new DeleteDBInstanceCommand({ DBInstanceIdentifier: identifier, SkipFinalSnapshot: true }),
      );
    },
  };
}

/** What RDS does not take over from the source by itself. */
function likeThe(present: DBInstance) {
  const group = present.DBParameterGroups?.[0]?.DBParameterGroupName;
  const subnets = present.DBSubnetGroup?.DBSubnetGroupName;
  return {
    DBInstanceClass: present.DBInstanceClass!,
    ...(subnets === undefined ? {} : { DBSubnetGroupName: subnets }),
    VpcSecurityGroupIds: (present.VpcSecurityGroups ?? []).map(
      ({ VpcSecurityGroupId }) => VpcSecurityGroupId!,
    ),
    Port: present.Endpoint!.Port!,
    MultiAZ: present.MultiAZ ?? false,
    PubliclyAccessible: present.PubliclyAccessible ?? false,
    AutoMinorVersionUpgrade: false,
    CopyTagsToSnapshot: true,
    ...(group === undefined ? {} : { DBParameterGroupName: group }),
    Tags: present.TagList ?? [],
  };
}
