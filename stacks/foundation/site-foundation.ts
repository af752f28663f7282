import { BackupVault } from "@cdktf/provider-aws/lib/backup-vault/index.js";
import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias/index.js";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { Construct } from "constructs";
import { backupVault, signingAlias } from "../../bootstrap/config/names.ts";
import type { Environment, Site } from "../../bootstrap/config/schema.ts";
import { regionOf } from "../../bootstrap/config/servers.ts";
import { keyedBucket } from "./keyed-bucket.ts";
import { signingKeyPolicy } from "./policies.ts";
import type { SiteBucket } from "./site-bucket.ts";

/** One region's keys, buckets and backup vault. */
export class SiteFoundation extends Construct {
  readonly key: { region: string; arn: string };
  readonly bucket: SiteBucket;
  readonly vault: BackupVault;

  constructor(
    scope: Construct,
    id: string,
    { environment, site, provider }: { environment: Environment; site: Site; provider: AwsProvider },
  ) {
    super(scope, id);
    const { account, name } = environment;
    const region = regionOf(environment, site);
    const { key, bucket } = keyedBucket(this, {
      provider,
      environment,
      account,
      region,
      encrypts: "releases, volumes, snapshots and databases",
      // The vault takes its copies from the recovery region.
      copiedBy: site === "recovery" ? environment.copies?.account?.id : undefined,
    });
    this.vault = new BackupVault(this, "vault", { provider, name: backupVault(name), kmsKeyArn: key.arn });
    this.#signingKey(environment, region, provider);
    this.bucket = bucket;
    this.key = { region, arn: key.arn };
  }

  /** Each region has its own, so that releases can be signed while the other region is lost. Servers trust both. */
  #signingKey({ account, name }: Environment, region: string, provider: AwsProvider): void {
    const key = new KmsKey(this, "signing-key", {
      provider,
      description: `rekindle ${name}: signs releases in ${region}`,
      keyUsage: "SIGN_VERIFY",
      customerMasterKeySpec: "ECC_NIST_P256",
      deletionWindowInDays: 30,
      policy: JSON.stringify(signingKeyPolicy(account)),
    });
    new KmsAlias(this, "signing-key-alias", {
      provider,
      name: signingAlias(name),
      targetKeyId: key.keyId,
    });
  }
}
