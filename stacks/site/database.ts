import { DbSubnetGroup } from "@cdktf/provider-aws/lib/db-subnet-group/index.js";
import { SsmParameter } from "@cdktf/provider-aws/lib/ssm-parameter/index.js";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { isCluster } from "../../bootstrap/config/databases.ts";
import { databaseIdentifier, endpointParameter, secretParameter } from "../../bootstrap/config/names.ts";
import { addCluster } from "./database-cluster.ts";
import { addInstance } from "./database-instance.ts";
import type { Network } from "./network.ts";
import type { SecurityGroups } from "./security-groups.ts";
import type { SiteProps } from "./site.ts";

/** An RDS instance or an Aurora cluster, and the parameters by which servers find it and its password. */
export class ManagedDatabase extends Construct {
  readonly endpoint: string;
  readonly ready: ITerraformDependable[];

  constructor(
    scope: Construct,
    id: string,
    props: SiteProps & { name: string; network: Network; securityGroups: SecurityGroups },
  ) {
    super(scope, id);
    const { topology, pins, name, network, securityGroups } = props;
    const { environment } = topology;
    const database = environment.databases[name]!;
    const identifier = databaseIdentifier(environment.name, pins.site, name);
    const subnets = new DbSubnetGroup(this, "subnets", {
      name: identifier,
      subnetIds: network.privateSubnetIds,
    });
    const common = {
      identifier,
      pin: pins.databases[name] ?? { kind: "fresh" as const },
      encryptionKey: pins.encryptionKey,
      subnetGroup: subnets.name,
      securityGroup: securityGroups.database(name),
    };
    const made = isCluster(database)
      ? addCluster(this, { ...common, database })
      : addInstance(this, { ...common, database, backupsTo: props.backupsTo });
    const endpoint = new SsmParameter(this, "endpoint", {
      name: endpointParameter(environment.name, pins.site, name),
      type: "String",
      value: made.endpoint,
    });
    const secret = new SsmParameter(this, "secret", {
      name: secretParameter(environment.name, pins.site, name),
      type: "String",
      value: made.secretArn,
    });
    this.endpoint = made.endpoint;
    this.ready = [...made.ready, endpoint, secret];
  }
}
