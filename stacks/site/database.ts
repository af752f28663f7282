import { DbInstance } from "@cdktf/provider-aws/lib/db-instance/index.js";
import { DbSubnetGroup } from "@cdktf/provider-aws/lib/db-subnet-group/index.js";
import { SsmParameter } from "@cdktf/provider-aws/lib/ssm-parameter/index.js";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { databaseIdentifier, endpointParameter, secretParameter } from "../../bootstrap/config/names.ts";
import type { Network } from "./network.ts";
import type { SecurityGroups } from "./security-groups.ts";
import type { SiteProps } from "./site.ts";

/** An RDS instance, fresh or from its snapshot, and the parameters by which servers find it and its password. */
export class ManagedDatabase extends Construct {
  readonly endpoint: string;
  readonly ready: ITerraformDependable[];

  constructor(
    scope: Construct,
    id: string,
    {
      topology,
      pins,
      name,
      network,
      securityGroups,
    }: SiteProps & { name: string; network: Network; securityGroups: SecurityGroups },
  ) {
    super(scope, id);
    const { environment } = topology;
    const database = environment.databases[name]!;
    const identifier = databaseIdentifier(environment.name, pins.site, name);
    const snapshotIdentifier = pins.databases[name]?.snapshotId;
    const subnets = new DbSubnetGroup(this, "subnets", {
      name: identifier,
      subnetIds: network.privateSubnetIds,
    });
    const instance = new DbInstance(this, "instance", {
      identifier,
      engine: database.engine,
      engineVersion: database.engineVersion,
      instanceClass: database.instanceClass,
      allocatedStorage: database.storageGiB,
      storageType: "gp3",
      storageEncrypted: true,
      kmsKeyId: pins.encryptionKey,
      username: database.username,
      // RDS keeps the password in a secret of this region, so that neither code, state nor plan holds one.
      manageMasterUserPassword: true,
      port: database.port,
      dbSubnetGroupName: subnets.name,
      vpcSecurityGroupIds: [securityGroups.database(name)],
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
      ...(snapshotIdentifier === undefined ? { dbName: database.databaseName } : { snapshotIdentifier }),
    });
    const endpoint = new SsmParameter(this, "endpoint", {
      name: endpointParameter(environment.name, pins.site, name),
      type: "String",
      value: instance.endpoint,
    });
    const secret = new SsmParameter(this, "secret", {
      name: secretParameter(environment.name, pins.site, name),
      type: "String",
      value: instance.masterUserSecret.get(0).secretArn,
    });
    this.endpoint = instance.endpoint;
    this.ready = [instance, endpoint, secret];
  }
}
