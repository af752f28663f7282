import { DbInstance } from "@cdktf/provider-aws/lib/db-instance/index.js";
import { DbInstanceAutomatedBackupsReplication } from "@cdktf/provider-aws/lib/db-instance-automated-backups-replication/index.js";
import type { Construct } from "constructs";
import type { Instance } from "../../bootstrap/config/databases.ts";
import type { DatabasePin } from "../../bootstrap/recovery/database-pin.ts";
import type { DatabaseParts, MadeDatabase } from "./database-parts.ts";
import type { BackupsTo } from "./site.ts";

/** An RDS instance: fresh, from its snapshot, or as it was at a second. */
export function addInstance(
  scope: Construct,
  {
    database,
    identifier,
    pin,
    encryptionKey,
    subnetGroup,
    securityGroup,
    backupsTo,
  }: DatabaseParts<Instance> & { backupsTo: BackupsTo | undefined },
): MadeDatabase {
  const instance = new DbInstance(scope, "instance", {
    identifier,
    engine: database.engine,
    engineVersion: database.engineVersion,
    instanceClass: database.instanceClass,
    allocatedStorage: database.storageGiB,
    storageType: "gp3",
    storageEncrypted: true,
    kmsKeyId: encryptionKey,
    username: database.username,
    // RDS keeps the password in a secret of this region, so that neither code, state nor plan holds one.
    manageMasterUserPassword: true,
    port: database.port,
    dbSubnetGroupName: subnetGroup,
    vpcSecurityGroupIds: [securityGroup],
    publiclyAccessible: false,
    multiAz: false,
    backupRetentionPeriod: database.backupRetentionDays,
    copyTagsToSnapshot: true,
    applyImmediately: true,
    // What comes back is the version that was rehearsed.
    autoMinorVersionUpgrade: false,
    // A final snapshot would have a fixed name that the second teardown meets again. What is kept of a destroyed
    // database is its recovery points, and the automated backups until they expire.
    skipFinalSnapshot: true,
    deleteAutomatedBackups: false,
    ...beginning(pin, database.databaseName),
  });
  if (database.replicateBackups && backupsTo !== undefined) {
    new DbInstanceAutomatedBackupsReplication(scope, "backups", {
      provider: backupsTo.provider,
      sourceDbInstanceArn: instance.arn,
      kmsKeyId: backupsTo.encryptionKey,
      retentionPeriod: database.backupRetentionDays,
    });
  }
  return {
    endpoint: instance.endpoint,
    secretArn: instance.masterUserSecret.get(0).secretArn,
    ready: [instance],
  };
}

function beginning(pin: DatabasePin, dbName: string) {
  switch (pin.kind) {
    case "fresh":
      return { dbName };
    case "snapshot":
      return { snapshotIdentifier: pin.snapshotId };
    case "point-in-time":
      return {
        restoreToPointInTime: {
          restoreTime: pin.restoreTime,
          ...(pin.source.kind === "replicated"
            ? { sourceDbInstanceAutomatedBackupsArn: pin.source.arn }
            : { sourceDbInstanceIdentifier: pin.source.identifier }),
        },
      };
  }
}
