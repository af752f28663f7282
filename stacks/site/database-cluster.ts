import { RdsCluster } from "@cdktf/provider-aws/lib/rds-cluster/index.js";
import { RdsClusterInstance } from "@cdktf/provider-aws/lib/rds-cluster-instance/index.js";
import type { Construct } from "constructs";
import type { Cluster } from "../../bootstrap/config/databases.ts";
import type { DatabasePin } from "../../bootstrap/recovery/database-pin.ts";
import type { DatabaseParts, MadeDatabase } from "./database-parts.ts";

/** An Aurora cluster with its instances: fresh, from its snapshot, or as it was at a second. */
export function addCluster(
  scope: Construct,
  { database, identifier, pin, encryptionKey, subnetGroup, securityGroup }: DatabaseParts<Cluster>,
): MadeDatabase {
  const { engine, engineVersion } = database;
  const cluster = new RdsCluster(scope, "cluster", {
    clusterIdentifier: identifier,
    engine,
    engineVersion,
    storageEncrypted: true,
    kmsKeyId: encryptionKey,
    masterUsername: database.username,
    manageMasterUserPassword: true,
    port: database.port,
    dbSubnetGroupName: subnetGroup,
    vpcSecurityGroupIds: [securityGroup],
    backupRetentionPeriod: database.backupRetentionDays,
    copyTagsToSnapshot: true,
    applyImmediately: true,
    // As for an instance.
    skipFinalSnapshot: true,
    deleteAutomatedBackups: false,
    ...beginning(pin, database.databaseName),
  });
  const instances = Array.from(
    { length: database.instances },
    (_, index) =>
      new RdsClusterInstance(scope, `instance-${index}`, {
        identifier: `${identifier}-${index}`,
        clusterIdentifier: cluster.clusterIdentifier,
        engine,
        engineVersion,
        instanceClass: database.instanceClass,
        dbSubnetGroupName: subnetGroup,
        publiclyAccessible: false,
        autoMinorVersionUpgrade: false,
        copyTagsToSnapshot: true,
        applyImmediately: true,
      }),
  );
  return {
    endpoint: `${cluster.endpoint}:${database.port}`,
    secretArn: cluster.masterUserSecret.get(0).secretArn,
    ready: [cluster, ...instances],
  };
}

function beginning(pin: DatabasePin, databaseName: string) {
  switch (pin.kind) {
    case "fresh":
      return { databaseName };
    case "snapshot":
      return { snapshotIdentifier: pin.snapshotId };
    case "point-in-time": {
      // RDS replicates no cluster's automated backups, so no plan has one of another region.
      if (pin.source.kind === "replicated")
        throw new Error(`a cluster can't be restored from ${pin.source.arn}: make another plan`);
      return {
        restoreToPointInTime: {
          sourceClusterIdentifier: pin.source.identifier,
          restoreToTime: pin.restoreTime,
          restoreType: "full-copy",
        },
      };
    }
  }
}
