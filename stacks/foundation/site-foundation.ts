import { BackupVault } from "@cdktf/provider-aws/lib/backup-vault/index.js";
import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias/index.js";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { Construct } from "constructs";
import { backupVault, keyAlias, siteBucket } from "../../bootstrap/config/names.ts";
import type { Environment, Site } from "../../bootstrap/config/schema.ts";
import { regionOf } from "../../bootstrap/config/servers.ts";
import { keyPolicy } from "./policies.ts";
import { SiteBucket } from "./site-bucket.ts";

/** One region's key, bucket and backup vault. */
export class SiteFoundation extends Construct {
  readonly key: { region: string; arn: string };

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
      policy: JSON.stringify(keyPolicy(account)),
    });
    new KmsAlias(this, "key-alias", { provider, name: keyAlias(name), targetKeyId: key.keyId });
    new BackupVault(this, "vault", { provider, name: backupVault(name), kmsKeyArn: key.arn });
    new SiteBucket(this, "bucket", { provider, name: siteBucket(name, account, region), keyArn: key.arn });
    this.key = { region, arn: key.arn };
  }
}
