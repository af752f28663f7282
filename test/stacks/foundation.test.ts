import { describe, expect, test } from "vitest";
import {
  type Arguments,
  all,
  foundationWith,
  ledger,
  type Synthesized,
  shop,
  synthesize,
  withCopies,
} from "./builder.ts";

const foundation = synthesize(shop())["foundation-stack"];
const releases = all(foundation, "aws_s3_bucket").filter(({ bucket }) => !bucket.includes("-logs-"));
const logs = all(foundation, "aws_s3_bucket").filter(({ bucket }) => bucket.includes("-logs-"));

describe("each region's bucket", () => {
  test("is versioned, private, owned by the account, and encrypted with the region's key", () => {
    expect(releases.map(({ bucket }) => bucket)).toEqual([
      "rekindle-shop-123456789012-eu-central-1",
      "rekindle-shop-123456789012-eu-west-1",
    ]);
    for (const versioning of all(foundation, "aws_s3_bucket_versioning")) {
      expect(versioning.versioning_configuration).toEqual({ status: "Enabled" });
    }
    for (const block of all(foundation, "aws_s3_bucket_public_access_block")) {
      expect(block).toMatchObject({
        block_public_acls: true,
        block_public_policy: true,
        ignore_public_acls: true,
        restrict_public_buckets: true,
      });
    }
    for (const ownership of all(foundation, "aws_s3_bucket_ownership_controls")) {
      expect(ownership.rule).toEqual({ object_ownership: "BucketOwnerEnforced" });
    }
    expect(
      all(foundation, "aws_s3_bucket_server_side_encryption_configuration").map(({ rule }) => rule[0]),
    ).toEqual(
      ["primary", "recovery"].map((site) => ({
        apply_server_side_encryption_by_default: {
          kms_master_key_id: expect.stringMatching(`aws_kms_key.${site}_key`),
          sse_algorithm: "aws:kms",
        },
        bucket_key_enabled: true,
      })),
    );
  });

  test("refuses whatever does not come over TLS", () => {
    for (const { policy } of all(foundation, "aws_s3_bucket_policy")) {
      expect(JSON.parse(policy).Statement[0]).toMatchObject({
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      });
    }
  });

  test("moves old versions and old dumps to Glacier, and no other current version", () => {
    for (const { lifecycle_rule } of releases) {
      expect(lifecycle_rule[0].noncurrent_version_transition).toEqual([
        { days: 30, storage_class: "GLACIER_IR" },
        { days: 120, storage_class: "GLACIER" },
      ]);
      const moving = lifecycle_rule.filter(({ transition }: Arguments) => transition !== undefined);
      expect(moving.map(({ prefix, transition }: Arguments) => [prefix, transition])).toEqual([
        [
          "dumps/",
          [
            { days: 30, storage_class: "GLACIER_IR" },
            { days: 120, storage_class: "GLACIER" },
          ],
        ],
      ]);
      const ending = lifecycle_rule.filter(({ expiration }: Arguments) => expiration?.days !== undefined);
      expect(ending.map(({ prefix }: Arguments) => prefix)).toEqual(["inbox/"]);
    }
  });
});

describe("the access log of a bucket", () => {
  test("lies in a bucket of its own in the same region, that S3 alone writes, and ends after 400 days", () => {
    expect(logs.map(({ provider, bucket }) => [provider, bucket])).toEqual([
      ["aws.primary", "rekindle-shop-logs-123456789012-eu-central-1"],
      ["aws.recovery", "rekindle-shop-logs-123456789012-eu-west-1"],
    ]);
    expect(
      all(foundation, "aws_s3_bucket_logging").map(({ provider, target_bucket }) => [
        provider,
        target_bucket,
      ]),
    ).toEqual(logs.map(({ provider, bucket }) => [provider, bucket]));
    for (const { lifecycle_rule } of logs) expect(lifecycle_rule[0].expiration).toEqual({ days: 400 });
    const grants = all(foundation, "aws_s3_bucket_policy").map(
      ({ policy }) => JSON.parse(policy).Statement[1],
    );
    expect(grants.filter((grant) => grant !== undefined)).toEqual(
      ["eu-central-1", "eu-west-1"].map((region) => ({
        Sid: "AccessLog",
        Effect: "Allow",
        Principal: { Service: "logging.s3.amazonaws.com" },
        Action: "s3:PutObject",
        Resource: `arn:aws:s3:::rekindle-shop-logs-123456789012-${region}/*`,
        Condition: {
          ArnLike: { "aws:SourceArn": `arn:aws:s3:::rekindle-shop-123456789012-${region}` },
          StringEquals: { "aws:SourceAccount": "123456789012" },
        },
      })),
    );
    expect(all(foundation, "aws_s3_bucket_public_access_block")).toHaveLength(4);
  });
});

describe("protection", () => {
  const locked = foundationWith({ retention: { mode: "compliance", days: 35 }, replicate: true });

  test("is off as long as the environment asks for none", () => {
    expect(all(foundation, "aws_s3_bucket_object_lock_configuration")).toEqual([]);
    expect(all(foundation, "aws_s3_bucket_replication_configuration")).toEqual([]);
  });

  test("locks every version in both regions for the retention that the environment names", () => {
    expect(all(locked, "aws_s3_bucket_object_lock_configuration")).toEqual(
      ["primary", "recovery"].map((site) =>
        expect.objectContaining({
          provider: `aws.${site}`,
          rule: { default_retention: { mode: "COMPLIANCE", days: 35 } },
          depends_on: [`aws_s3_bucket_versioning.${site}_bucket_versioning_${suffix(locked, site)}`],
        }),
      ),
    );
  });

  test("turned on later keeps the buckets that are there", () => {
    for (const bucket of all(locked, "aws_s3_bucket"))
      expect(bucket).not.toHaveProperty("object_lock_enabled");
  });

  test("replicates to the other region what is written to one region only", () => {
    const copies = all(locked, "aws_s3_bucket_replication_configuration");
    expect(copies.map(({ rule }) => rule.map(({ filter }: Arguments) => filter.prefix))).toEqual([
      ["reports/", "inbox/"],
      ["reports/", "inbox/"],
    ]);
    expect(copies.map(({ rule }) => rule[0].destination.bucket)).toEqual([
      "arn:aws:s3:::rekindle-shop-123456789012-eu-central-1",
      "arn:aws:s3:::rekindle-shop-123456789012-eu-west-1",
    ]);
  });
});

describe("copies elsewhere", () => {
  const vault = "210987654321";
  const copying = withCopies({
    regions: ["eu-north-1"],
    account: { id: vault, role: "rekindle-vault" },
    atOnce: 5,
  });

  test("are encrypted with a key of each further region and of the vault, and told of in a bucket there", () => {
    expect(copying.provider.aws!.slice(2)).toEqual([
      expect.objectContaining({ alias: "copies-eu-north-1", region: "eu-north-1" }),
      expect.objectContaining({
        alias: "vault",
        region: "eu-west-1",
        allowed_account_ids: [vault],
        assume_role: [{ role_arn: `arn:aws:iam::${vault}:role/rekindle-vault`, session_name: "rekindle" }],
      }),
    ]);
    const further = (type: string) =>
      all(copying, type).filter(({ provider }) => !["aws.primary", "aws.recovery"].includes(provider));
    expect(further("aws_kms_alias").map(({ provider, name }) => [provider, name])).toEqual([
      ["aws.copies-eu-north-1", "alias/rekindle-shop"],
      ["aws.vault", "alias/rekindle-shop"],
    ]);
    expect(further("aws_s3_bucket").map(({ bucket }) => bucket)).toEqual(
      expect.arrayContaining(["rekindle-shop-123456789012-eu-north-1", `rekindle-shop-${vault}-eu-west-1`]),
    );
    expect(further("aws_iam_role")).toEqual([]);
  });

  test("may be made by the vault's account of what the recovery region's key has encrypted, and of nothing else", () => {
    const readers = all(copying, "aws_kms_key").flatMap(({ provider, policy }) =>
      JSON.parse(policy)
        .Statement.filter(({ Sid }: Arguments) => Sid.startsWith("Vault"))
        .map(({ Principal, Action }: Arguments) => [provider, Principal.AWS, Action]),
    );
    const root = `arn:aws:iam::${vault}:root`;
    expect(readers).toEqual([
      ["aws.recovery", root, ["kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"]],
      ["aws.recovery", root, "kms:CreateGrant"],
    ]);
    const buckets = all(copying, "aws_s3_bucket_policy").flatMap(({ provider, policy }) =>
      JSON.parse(policy)
        .Statement.filter(({ Effect, Principal }: Arguments) => Effect === "Allow" && Principal.AWS === root)
        .map(({ Action, Resource }: Arguments) => [provider, Action, Resource]),
    );
    const dumps = "arn:aws:s3:::rekindle-shop-123456789012-eu-west-1/dumps/*";
    expect(buckets).toEqual([["aws.recovery", ["s3:GetObject", "s3:GetObjectVersion"], dumps]]);
  });
});

describe("the roles of servers", () => {
  test("there is one instance profile for each, and one for image builders that may do nothing", () => {
    expect(all(foundation, "aws_iam_instance_profile").map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "rekindle-shop-web",
        "rekindle-shop-app",
        "rekindle-shop-db",
        "rekindle-shop-image-builder",
      ]),
    );
    expect(Object.keys(foundation.resource.aws_iam_role_policy!)).not.toContainEqual(
      expect.stringContaining("ImageBuilder"),
    );
  });

  test("read the bundles of their own role only", () => {
    const statements = accessOf("app");
    expect(statements.ReadOwnBundlesAndManifests).toMatchObject({
      Action: ["s3:GetObject", "s3:GetObjectVersion"],
      Resource: [
        "arn:aws:s3:::rekindle-shop-123456789012-eu-central-1/bundles/app/*",
        "arn:aws:s3:::rekindle-shop-123456789012-eu-central-1/releases/*",
        "arn:aws:s3:::rekindle-shop-123456789012-eu-west-1/bundles/app/*",
        "arn:aws:s3:::rekindle-shop-123456789012-eu-west-1/releases/*",
      ],
    });
    expect(Object.keys(statements)).toEqual([
      "ReadOwnBundlesAndManifests",
      "WriteOwnReports",
      "DecryptThroughServices",
      "EncryptReports",
      "ReadOwnParameters",
      "ReadOwnSecrets",
      "TellReleaseAndBoot",
      "ObeyRunCommand",
    ]);
  });

  test("write their own reports, and set two tags of their own kind of instance, and nothing else", () => {
    const statements = accessOf("app");
    expect(statements.WriteOwnReports).toMatchObject({
      Action: "s3:PutObject",
      Resource: [
        "arn:aws:s3:::rekindle-shop-123456789012-eu-central-1/reports/app/*",
        "arn:aws:s3:::rekindle-shop-123456789012-eu-west-1/reports/app/*",
      ],
    });
    expect(statements.TellReleaseAndBoot).toMatchObject({
      Action: "ec2:CreateTags",
      Condition: {
        StringEquals: {
          "ec2:ResourceTag/rekindle:environment": "shop",
          "ec2:ResourceTag/rekindle:role": "app",
        },
        "ForAllValues:StringEquals": { "aws:TagKeys": ["rekindle:release", "rekindle:boot"] },
      },
    });
    const { ObeyRunCommand: _, ...own } = statements;
    const writing = Object.values(own)
      .flatMap(({ Action }) => Action)
      .filter((action: string) => /:(Put|Create|Delete|Update)/.test(action));
    expect(writing).toEqual(["s3:PutObject", "ec2:CreateTags"]);
  });

  test("never have a wildcard for an action, nor for a whole resource but where SSM's agent speaks of none", () => {
    for (const { Sid, Action, Resource } of Object.values(accessOf("db"))) {
      expect([Action].flat().filter((action: string) => action.includes("*"))).toEqual([]);
      if (Sid === "ObeyRunCommand")
        expect([Action].flat().filter((action: string) => /Parameter|Document/.test(action))).toEqual([]);
      else expect([Resource].flat()).not.toContain("*");
    }
  });

  test("read the password of a database of either site when they are its client", () => {
    const [policy] = all(synthesize(ledger())["foundation-stack"], "aws_iam_role_policy");
    expect(JSON.parse(policy!.policy).Statement.at(-1)).toMatchObject({
      Action: "secretsmanager:GetSecretValue",
      Condition: {
        StringEquals: {
          "aws:ResourceTag/aws:rds:primaryDBInstanceArn": [
            "arn:aws:rds:eu-central-1:123456789012:db:rekindle-ledger-primary-ledger",
            "arn:aws:rds:eu-central-1:123456789012:db:rekindle-ledger-recovery-ledger",
            "arn:aws:rds:eu-west-1:123456789012:db:rekindle-ledger-primary-ledger",
            "arn:aws:rds:eu-west-1:123456789012:db:rekindle-ledger-recovery-ledger",
          ],
        },
      },
    });
  });
});

test("each region has a key that rotates, one that signs, their aliases and a backup vault", () => {
  expect(
    all(foundation, "aws_kms_key").map(
      ({ provider, enable_key_rotation, key_usage, customer_master_key_spec }) => [
        provider,
        enable_key_rotation ?? [key_usage, customer_master_key_spec],
      ],
    ),
  ).toEqual([
    ["aws.primary", true],
    ["aws.primary", ["SIGN_VERIFY", "ECC_NIST_P256"]],
    ["aws.recovery", true],
    ["aws.recovery", ["SIGN_VERIFY", "ECC_NIST_P256"]],
  ]);
  expect(all(foundation, "aws_kms_alias").map(({ name }) => name)).toEqual([
    "alias/rekindle-shop",
    "alias/rekindle-shop-signing",
    "alias/rekindle-shop",
    "alias/rekindle-shop-signing",
  ]);
  expect(all(foundation, "aws_backup_vault").map(({ name }) => name)).toEqual([
    "rekindle-shop",
    "rekindle-shop",
  ]);
});

/** What cdktf appends to an address to make it unique. */
function suffix(stack: Synthesized, site: string): string {
  const start = `${site}_bucket_versioning_`;
  return Object.keys(stack.resource.aws_s3_bucket_versioning!)
    .find((address) => address.startsWith(start))!
    .slice(start.length);
}

function accessOf(role: string): Record<string, Arguments> {
  const [, { policy }] = Object.entries(foundation.resource.aws_iam_role_policy!).find(([address]) =>
    address.startsWith(`identities_${role}_`),
  )!;
  return Object.fromEntries(
    JSON.parse(policy).Statement.map((statement: Arguments) => [statement.Sid, statement]),
  );
}
