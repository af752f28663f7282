import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias/index.js";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { Construct } from "constructs";
import { keyAlias, logBucket, siteBucket } from "../../bootstrap/config/names.ts";
import type { Place } from "../../bootstrap/config/places.ts";
import type { Environment } from "../../bootstrap/config/schema.ts";
import { LogBucket } from "./log-bucket.ts";
import { keyPolicy } from "./policies.ts";
import { SiteBucket } from "./site-bucket.ts";

/** What copies need in one place: the key that they are encrypted with, and the bucket of the catalog that tells of them. */
export class CopyFoundation extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { environment, place, provider }: { environment: Environment; place: Place; provider: AwsProvider },
  ) {
    super(scope, id);
    const { name, protection } = environment;
    const { account, region } = place;
    const key = new KmsKey(this, "key", {
      provider,
      description: `rekindle ${name}: copies of snapshots, images and releases in ${region}`,
      enableKeyRotation: true,
      deletionWindowInDays: 30,
      policy: JSON.stringify(keyPolicy(account)),
    });
    new KmsAlias(this, "key-alias", { provider, name: keyAlias(name), targetKeyId: key.keyId });
    const logged = siteBucket(name, account, region);
    const logs = new LogBucket(this, "logs", {
      provider,
      name: logBucket(name, account, region),
      account,
      logged,
    });
    new SiteBucket(this, "bucket", {
      provider,
      name: logged,
      keyArn: key.arn,
      logs,
      retention: protection?.retention,
    });
  }
}
