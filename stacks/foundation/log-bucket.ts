import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket/index.js";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy/index.js";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block/index.js";
import { Construct } from "constructs";
import { logDelivery } from "./policies.ts";

/**
 * Where S3 notes each access to one region's bucket: private, TLS only, written by S3 and nobody else. Encrypted with
 * S3's own key and owned by the account, as new buckets are: S3 delivers no log to a bucket with a customer's key.
 */
export class LogBucket extends Construct {
  readonly name: string;
  /** What lets S3 write here. */
  readonly grant: S3BucketPolicy;

  constructor(
    scope: Construct,
    id: string,
    props: { provider: AwsProvider; name: string; account: string; logged: string },
  ) {
    super(scope, id);
    const { provider, name, account, logged } = props;
    this.name = name;
    // The deprecated block for the reason that `SiteBucket` gives.
    const bucket = new S3Bucket(this, "bucket", {
      provider,
      bucket: name,
      // Terraform's own look at the logged bucket is logged too: nobody could empty this one in time. The bucket with
      // the releases is not destroyed while it holds any.
      forceDestroy: true,
      lifecycleRule: [{ id: "old-logs", enabled: true, expiration: { days: 400 } }],
    });
    const privacy = new S3BucketPublicAccessBlock(this, "privacy", {
      provider,
      bucket: bucket.id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    this.grant = new S3BucketPolicy(this, "policy", {
      provider,
      bucket: bucket.id,
      policy: JSON.stringify(logDelivery(name, { account, bucket: logged })),
      dependsOn: [privacy],
    });
  }
}
