import { BackupVault } from "@cdktf/provider-aws/lib/backup-vault/index.js";
import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias/index.js";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { Construct } from "constructs";
import { backupVault, keyAlias, logBucket, signingAlias, siteBucket } from "../../bootstrap/config/names.ts";
import type { Environment, Site } from "../../bootstrap/config/schema.ts";
import { regionOf } from "../../bootstrap/config/servers.ts";
import { LogBucket } from "./log-bucket.ts";
import { keyPolicy, signingKeyPolicy } from "./policies.ts";
import { SiteBucket } from "./site-bucket.ts";

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
    const key = new KmsKey(this, "key", {
      provider,
      description: `rekindle ${name}: releases, volumes, snapshots and databases in ${region}`,
      enableKeyRotation: true,
      deletionWindowInDays: 30,
      // The vault takes its copies from the recovery region.
      policy: JSON.stringify(
        keyPolicy(account, site === "recovery" ? environment.copies?.account?.id : undefined),
      ),
    });
    new KmsAlias(this, "key-alias", { provider, name: keyAlias(name), targetKeyId: key.keyId });
    this.vault = new BackupVault(this, "vault", { provider, name: backupVault(name), kmsKeyArn: key.arn });
    this.#signingKey(environment, region, provider);
    const logged = siteBucket(name, account, region);
    const logs = new LogBucket(this, "logs", {
      provider,
      name: logBucket(name, account, region),
      account,
      logged,
    });
    const retention = environment.protection?.retention;
    this.bucket = new SiteBucket(this, "bucket", {
      provider,
      name: logged,
      keyArn: key.arn,
      logs,
      retention,
    });
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
