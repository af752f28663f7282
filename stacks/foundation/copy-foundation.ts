import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { Construct } from "constructs";
import type { Place } from "../../bootstrap/config/places.ts";
import type { Environment } from "../../bootstrap/config/schema.ts";
import { keyedBucket } from "./keyed-bucket.ts";

/** What copies need in one place: the key that they are encrypted with, and the bucket of the catalog that tells of them. */
export class CopyFoundation extends Construct {
  readonly key: { region: string; arn: string };

  constructor(
    scope: Construct,
    id: string,
    { environment, place, provider }: { environment: Environment; place: Place; provider: AwsProvider },
  ) {
    super(scope, id);
    const { account, region } = place;
    const encrypts = "copies of snapshots, images and releases";
    const { key } = keyedBucket(this, { provider, environment, account, region, encrypts });
    this.key = { region, arn: key.arn };
  }
}
