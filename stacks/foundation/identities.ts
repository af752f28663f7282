import { IamInstanceProfile } from "@cdktf/provider-aws/lib/iam-instance-profile/index.js";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { Construct } from "constructs";
import { isCluster } from "../../bootstrap/config/databases.ts";
import {
  builderProfile,
  databaseIdentifier,
  instanceProfile,
  siteBucket,
} from "../../bootstrap/config/names.ts";
import type { Environment, Site } from "../../bootstrap/config/schema.ts";
import { assumedBy, type PolicyDocument } from "./policies.ts";
import { serverAccess } from "./server-access.ts";

/** A region's key, as policies name it. */
export interface RegionKey {
  region: string;
  arn: string;
}

/**
 * One role and one instance profile per environment role, and one for image builders, which may read nothing.
 * IAM is global and its control plane is in us-east-1: made here once, so that a rebuild only names the profiles.
 */
export class Identities extends Construct {
  readonly #provider: AwsProvider;

  constructor(
    scope: Construct,
    id: string,
    props: { environment: Environment; provider: AwsProvider; keys: readonly [RegionKey, RegionKey] },
  ) {
    super(scope, id);
    this.#provider = props.provider;
    const { environment, keys } = props;
    for (const role of Object.keys(environment.roles)) {
      this.#identity(role, instanceProfile(environment.name, role), accessOf(environment, role, keys));
    }
    // A fixed construct below which no role can be named: roles have no slash and no capital.
    this.#identity("ImageBuilder", builderProfile(environment.name));
  }

  #identity(id: string, name: string, access?: PolicyDocument): void {
    const provider = this.#provider;
    const owner = new Construct(this, id);
    const role = new IamRole(owner, "role", {
      provider,
      name,
      assumeRolePolicy: JSON.stringify(assumedBy("ec2.amazonaws.com")),
    });
    new IamInstanceProfile(owner, "profile", { provider, name, role: role.name });
    if (access === undefined) return;
    new IamRolePolicy(owner, "access", {
      provider,
      name: "server",
      role: role.id,
      policy: JSON.stringify(access),
    });
  }
}

function accessOf(
  environment: Environment,
  role: string,
  [primary, recovery]: readonly [RegionKey, RegionKey],
): PolicyDocument {
  const { name, account } = environment;
  const mine = Object.keys(environment.databases).filter((database) =>
    environment.databases[database]!.clients.includes(role),
  );
  // A plan may have the recovery site rebuilt in the primary region.
  const sites: readonly Site[] = ["primary", "recovery"];
  const identifiers = (clusters: boolean) =>
    mine
      .filter((database) => isCluster(environment.databases[database]!) === clusters)
      .flatMap((database) => sites.map((site) => databaseIdentifier(name, site, database)));
  const at = ({ region, arn }: RegionKey) => ({
    region,
    bucket: siteBucket(name, account, region),
    keyArn: arn,
    databases: identifiers(false),
    clusters: identifiers(true),
  });
  return serverAccess({
    environment: name,
    account,
    role,
    sites: [at(primary), at(recovery)],
  });
}
