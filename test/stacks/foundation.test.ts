import { describe, expect, test } from "vitest";
import { type Arguments, all, ledger, shop, synthesize } from "./builder.ts";

const foundation = synthesize(shop())["foundation-stack"];

describe("each region's bucket", () => {
  test("is versioned, private, owned by the account, and encrypted with the region's key", () => {
    expect(all(foundation, "aws_s3_bucket").map(({ bucket }) => bucket)).toEqual([
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
      expect(JSON.parse(policy).Statement).toMatchObject([
        {
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ]);
    }
  });

  test("moves old versions to Glacier, and never a current one", () => {
    for (const { lifecycle_rule } of all(foundation, "aws_s3_bucket")) {
      expect(lifecycle_rule[0].noncurrent_version_transition).toEqual([
        { days: 30, storage_class: "GLACIER_IR" },
        { days: 120, storage_class: "GLACIER" },
      ]);
      expect(lifecycle_rule.flatMap((rule: Arguments) => Object.keys(rule))).not.toContain("transition");
      expect(lifecycle_rule.flatMap((rule: Arguments) => Object.keys(rule))).not.toContain("expiration");
    }
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
      "DecryptThroughS3AndParameterStore",
      "ReadOwnParameters",
    ]);
  });

  test("never have a wildcard for an action, nor for a whole resource", () => {
    for (const statement of Object.values(accessOf("db"))) {
      expect([statement.Action].flat().filter((action: string) => action.includes("*"))).toEqual([]);
      expect([statement.Resource].flat()).not.toContain("*");
    }
  });

  test("read the password of a database when they are its client", () => {
    const [policy] = all(synthesize(ledger())["foundation-stack"], "aws_iam_role_policy");
    expect(JSON.parse(policy!.policy).Statement[3]).toMatchObject({
      Action: "secretsmanager:GetSecretValue",
      Condition: {
        StringEquals: {
          "aws:ResourceTag/aws:rds:primaryDBInstanceArn": [
            "arn:aws:rds:eu-central-1:123456789012:db:rekindle-ledger-primary-ledger",
            "arn:aws:rds:eu-west-1:123456789012:db:rekindle-ledger-recovery-ledger",
          ],
        },
      },
    });
  });
});

test("each region has a key that rotates, an alias and a backup vault", () => {
  expect(
    all(foundation, "aws_kms_key").map(({ provider, enable_key_rotation }) => [
      provider,
      enable_key_rotation,
    ]),
  ).toEqual([
    ["aws.primary", true],
    ["aws.recovery", true],
  ]);
  expect(all(foundation, "aws_kms_alias").map(({ name }) => name)).toEqual([
    "alias/rekindle-shop",
    "alias/rekindle-shop",
  ]);
  expect(all(foundation, "aws_backup_vault").map(({ name }) => name)).toEqual([
    "rekindle-shop",
    "rekindle-shop",
  ]);
});

function accessOf(role: string): Record<string, Arguments> {
  const [, { policy }] = Object.entries(foundation.resource.aws_iam_role_policy!).find(([address]) =>
    address.startsWith(`identities_${role}_`),
  )!;
  return Object.fromEntries(
    JSON.parse(policy).Statement.map((statement: Arguments) => [statement.Sid, statement]),
  );
}
