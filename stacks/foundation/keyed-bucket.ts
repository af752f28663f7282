import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias/index.js";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import type { Construct } from "constructs";
import { keyAlias, logBucket, siteBucket } from "../../bootstrap/config/names.ts";
import type { Environment } from "../../bootstrap/config/schema.ts";
import { LogBucket } from "./log-bucket.ts";
import { keyPolicy } from "./policies.ts";
import { SiteBucket } from "./site-bucket.ts";

export interface KeyedBucketProps {
  provider: AwsProvider;
  environment: Environment;
  /** Whose key and bucket they are: a vault's are another account's. */
  account: string;
  region: string;
  /** What the key encrypts, for its description. */
  encrypts: string;
  /** Another account that copies what the key encrypts. */
  copiedBy?: string | undefined;
}

/** One region's key, and the bucket that it encrypts, with the log of who read and wrote it. */
export function keyedBucket(
  scope: Construct,
  { provider, environment, account, region, encrypts, copiedBy }: KeyedBucketProps,
): { key: KmsKey; bucket: SiteBucket } {
  const { name, protection } = environment;
  const key = new KmsKey(scope, "key", {
    provider,
    description: `rekindle ${name}: ${encrypts} in ${region}`,
    enableKeyRotation: true,
    deletionWindowInDays: 30,
    policy: JSON.stringify(keyPolicy(account, copiedBy)),
  });
  new KmsAlias(scope, "key-alias", { provider, name: keyAlias(name), targetKeyId: key.keyId });
  const logged = siteBucket(name, account, region);
  const logs = new LogBucket(scope, "logs", {
    provider,
    name: logBucket(name, account, region),
    account,
    logged,
  });
  const bucket = new SiteBucket(scope, "bucket", {
    provider,
    name: logged,
    keyArn: key.arn,
    logs,
    retention: protection?.retention,
    copiedBy,
  });
  return { key, bucket };
}
