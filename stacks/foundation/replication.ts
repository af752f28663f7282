import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { S3BucketReplicationConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-replication-configuration/index.js";
import { Construct } from "constructs";
import { replicationRole } from "../../bootstrap/config/names.ts";
import { assumedBy, replicationAccess } from "./policies.ts";
import type { SiteBucket } from "./site-bucket.ts";

interface Replicated {
  provider: AwsProvider;
  bucket: SiteBucket;
  key: { region: string; arn: string };
}

/**
 * What servers and hosts write to the region they are in. All else is published to every region by itself, and must
 * not be copied: manifests and pointers have the same key in every region, and each region's own content.
 */
const replicatedPrefixes = ["reports/", "inbox/"];

/** Copies between both regions' buckets by S3 itself, some time later: an extra, on which no recovery relies. */
export class Replication extends Construct {
  constructor(scope: Construct, id: string, environment: string, sides: readonly [Replicated, Replicated]) {
    super(scope, id);
    const [first, second] = sides;
    const provider = first.provider;
    const role = new IamRole(this, "role", {
      provider,
      name: replicationRole(environment),
      assumeRolePolicy: JSON.stringify(assumedBy("s3.amazonaws.com")),
    });
    const places = sides.map(({ bucket, key }) => ({
      bucket: bucket.name,
      region: key.region,
      keyArn: key.arn,
    }));
    new IamRolePolicy(this, "access", {
      provider,
      name: "replication",
      role: role.id,
      policy: JSON.stringify(replicationAccess(places, replicatedPrefixes)),
    });
    this.#copy("to-recovery", role, first, second);
    this.#copy("to-primary", role, second, first);
  }

  #copy(id: string, role: IamRole, from: Replicated, to: Replicated): void {
    new S3BucketReplicationConfigurationA(this, id, {
      provider: from.provider,
      bucket: from.bucket.name,
      role: role.arn,
      rule: replicatedPrefixes.map((prefix, priority) => ({
        id: prefix.replace("/", ""),
        priority,
        status: "Enabled",
        filter: { prefix },
        deleteMarkerReplication: { status: "Disabled" },
        sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: "Enabled" } },
        destination: {
          bucket: `arn:aws:s3:::${to.bucket.name}`,
          encryptionConfiguration: { replicaKmsKeyId: to.key.arn },
        },
      })),
      dependsOn: [from.bucket.versioning, to.bucket.versioning],
    });
  }
}
