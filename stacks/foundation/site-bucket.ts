import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket/index.js";
import { S3BucketLoggingA } from "@cdktf/provider-aws/lib/s3-bucket-logging/index.js";
import { S3BucketObjectLockConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-object-lock-configuration/index.js";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls/index.js";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy/index.js";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block/index.js";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../bootstrap/config/schema.ts";
import type { LogBucket } from "./log-bucket.ts";
import { siteBucketAccess } from "./policies.ts";

type Retention = NonNullable<Environment["protection"]>["retention"];

/**
 * The bucket of one region: versioned, encrypted with the region's key, private, TLS only, every access logged, and
 * locked against deletion for as long as the environment says.
 * Current versions never leave the standard class, but for old dumps: on the day they are read at once.
 */
export class SiteBucket extends Construct {
  readonly name: string;
  /** What replication must wait for. */
  readonly versioning: S3BucketVersioningA;

  constructor(
    scope: Construct,
    id: string,
    props: {
      provider: AwsProvider;
      name: string;
      keyArn: string;
      logs: LogBucket;
      retention: Retention;
      /** Another account that copies dumps. */
      copiedBy: string | undefined;
    },
  ) {
    super(scope, id);
    const { provider, name, keyArn, logs, retention, copiedBy } = props;
    this.name = name;
    // The lifecycle is this deprecated block on purpose: aws_s3_bucket_lifecycle_configuration polls for 55 seconds
    // whatever S3 answers (a delay of 10 and ten equal answers 5 apart), a third of a game day. The price is that
    // "keep the newest noncurrent versions" cannot be said; releases are written once, so they have none.
    const bucket = new S3Bucket(this, "bucket", {
      provider,
      bucket: name,
      forceDestroy: false,
      lifecycleRule,
    });
    this.versioning = new S3BucketVersioningA(this, "versioning", {
      provider,
      bucket: bucket.id,
      versioningConfiguration: { status: "Enabled" },
    });
    new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      provider,
      bucket: bucket.id,
      rule: [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: keyArn },
          bucketKeyEnabled: true,
        },
      ],
    });
    new S3BucketOwnershipControls(this, "ownership", {
      provider,
      bucket: bucket.id,
      rule: { objectOwnership: "BucketOwnerEnforced" },
    });
    const privacy = new S3BucketPublicAccessBlock(this, "privacy", {
      provider,
      bucket: bucket.id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    new S3BucketPolicy(this, "policy", {
      provider,
      bucket: bucket.id,
      policy: JSON.stringify(siteBucketAccess(name, copiedBy)),
      // S3 answers a conflict when both are written at once.
      dependsOn: [privacy],
    });
    new S3BucketLoggingA(this, "access-log", {
      provider,
      bucket: bucket.id,
      targetBucket: logs.name,
      targetPrefix: "access/",
      // S3 tries at once whether it may write there.
      dependsOn: [logs.grant],
    });
    if (retention === undefined) return;
    // Said here and not when the bucket is made, so that an environment that names a retention later keeps its bucket.
    new S3BucketObjectLockConfigurationA(this, "lock", {
      provider,
      bucket: bucket.id,
      rule: { defaultRetention: { mode: retention.mode.toUpperCase(), days: retention.days } },
      dependsOn: [this.versioning],
    });
  }
}

/** Days; Glacier bills the first 90 in any case, so a version stays there long enough to be worth the move. */
const lifecycleRule = [
  {
    id: "old-versions-to-glacier",
    enabled: true,
    noncurrentVersionTransition: [
      { days: 30, storageClass: "GLACIER_IR" },
      { days: 120, storageClass: "GLACIER" },
    ],
    noncurrentVersionExpiration: { days: 365 },
  },
  // Each status of a point is a key of its own, and each key that went leaves a mark, which every listing steps over.
  {
    id: "no-marks-of-old-points",
    enabled: true,
    prefix: "catalog/points/",
    expiration: { expiredObjectDeleteMarker: true },
    noncurrentVersionExpiration: { days: 30 },
  },
  // A dump is read after a loss, and an old one hardly ever; those of the first months come back at once all the same.
  {
    id: "old-dumps-to-glacier",
    enabled: true,
    prefix: "dumps/",
    transition: [
      { days: 30, storageClass: "GLACIER_IR" },
      { days: 120, storageClass: "GLACIER" },
    ],
  },
  // Raw configuration of hosts, with whatever secrets it holds: `collect` takes it within days, or it is out of date.
  {
    id: "inbox-is-no-archive",
    enabled: true,
    prefix: "inbox/",
    expiration: { days: 14 },
    noncurrentVersionExpiration: { days: 1 },
  },
  { id: "no-half-uploads", enabled: true, abortIncompleteMultipartUploadDays: 7 },
];
