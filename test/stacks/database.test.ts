import { describe, expect, test } from "vitest";
import { all, beginningWith, clustered, ledger, synthesize } from "./builder.ts";

const stacks = synthesize(ledger());
const [fresh] = all(stacks["primary-stack"], "aws_db_instance");
const [restored] = all(stacks["recovery-stack"], "aws_db_instance");

test("a database comes back from its snapshot, and is fresh without one", () => {
  expect(restored).toMatchObject({
    identifier: "rekindle-ledger-recovery-ledger",
    snapshot_identifier: "snapshot-of-ledger",
  });
  expect(fresh).toMatchObject({ identifier: "rekindle-ledger-primary-ledger", db_name: "ledger" });
  expect(fresh).not.toHaveProperty("snapshot_identifier");
});

test("a database is encrypted with the region's key, private, and its password is in no code", () => {
  expect(restored).toMatchObject({
    storage_encrypted: true,
    kms_key_id: expect.stringContaining(":eu-west-1:"),
    publicly_accessible: false,
    manage_master_user_password: true,
  });
  expect(restored).not.toHaveProperty("password");
});

test("servers find the database and its secret by parameters, and wait for it", () => {
  expect(all(stacks["recovery-stack"], "aws_ssm_parameter")).toMatchObject([
    { name: "/rekindle/ledger/recovery/databases/ledger/endpoint" },
    {
      name: "/rekindle/ledger/recovery/databases/ledger/secret",
      value: expect.stringContaining("master_user_secret[0].secret_arn"),
    },
  ]);
  for (const server of all(stacks["recovery-stack"], "aws_instance")) {
    expect(server.depends_on).toContainEqual(expect.stringMatching(/^terraform_data\.site_order_ledger/));
  }
});

const second = "2026-11-24T03:00:00Z";
const arn = "arn:aws:rds:eu-west-1:123456789012:auto-backup:ab-1";

test.each([
  [
    "a replicated backup",
    { kind: "replicated", arn } as const,
    { source_db_instance_automated_backups_arn: arn, restore_time: second },
  ],
  [
    "the instance itself",
    { kind: "live", identifier: "rekindle-ledger-primary-ledger" } as const,
    { source_db_instance_identifier: "rekindle-ledger-primary-ledger", restore_time: second },
  ],
])("a database comes back to a second from %s", (_, source, block) => {
  const pin = { kind: "point-in-time", source, restoreTime: second } as const;
  const made = synthesize(beginningWith(ledger(), pin))["recovery-stack"];
  const [instance] = all(made, "aws_db_instance");
  expect(instance).toMatchObject({ restore_to_point_in_time: block });
  expect(instance).not.toHaveProperty("snapshot_identifier");
  expect(instance).not.toHaveProperty("db_name");
});

test("the primary's backups are replicated by the recovery region, with its key, and the rebuilt site's are not", () => {
  const [replication] = all(stacks["primary-stack"], "aws_db_instance_automated_backups_replication");
  expect(replication).toMatchObject({
    provider: "aws.backups",
    kms_key_id: expect.stringContaining(":eu-west-1:"),
    retention_period: 7,
    source_db_instance_arn: expect.stringMatching(
      /^\$\{aws_db_instance\.site_database-ledger_instance_\w+\.arn\}$/,
    ),
  });
  const regions = stacks["primary-stack"].provider.aws!.map(({ alias, region }) => [alias, region]);
  expect(regions).toEqual([
    [undefined, "eu-central-1"],
    ["backups", "eu-west-1"],
  ]);
  expect(all(stacks["recovery-stack"], "aws_db_instance_automated_backups_replication")).toEqual([]);
  expect(stacks["recovery-stack"].provider.aws).toHaveLength(1);
});

describe("a cluster", () => {
  const clusters = synthesize(clustered());

  test("comes back from its snapshot, with its instances, and is fresh without one", () => {
    const recovered = clusters["recovery-stack"];
    expect(all(recovered, "aws_rds_cluster")).toMatchObject([
      { cluster_identifier: "rekindle-ledger-recovery-ledger", snapshot_identifier: "snapshot-of-ledger" },
    ]);
    expect(all(recovered, "aws_rds_cluster_instance").map(({ identifier }) => identifier)).toEqual([
      "rekindle-ledger-recovery-ledger-0",
      "rekindle-ledger-recovery-ledger-1",
    ]);
    const [fresh] = all(clusters["primary-stack"], "aws_rds_cluster");
    expect(fresh).toMatchObject({ database_name: "ledger", storage_encrypted: true });
    expect(fresh).not.toHaveProperty("snapshot_identifier");
    expect(all(recovered, "aws_ssm_parameter")[0]).toMatchObject({
      value: expect.stringMatching(/endpoint\}:5432$/),
    });
  });

  test("goes back to a second of its own region", () => {
    const source = { kind: "live", identifier: "rekindle-ledger-primary-ledger" } as const;
    const pin = { kind: "point-in-time", source, restoreTime: second } as const;
    const [cluster] = all(synthesize(beginningWith(clustered(), pin))["recovery-stack"], "aws_rds_cluster");
    expect(cluster).toMatchObject({
      restore_to_point_in_time: {
        source_cluster_identifier: "rekindle-ledger-primary-ledger",
        restore_to_time: second,
        restore_type: "full-copy",
      },
    });
  });

  test("has a secret that only its clients' servers may read", () => {
    const policies = all(clusters["foundation-stack"], "aws_iam_role_policy").map(({ policy }) =>
      String(policy),
    );
    const [mine] = policies.filter((policy) => policy.includes("ReadPasswordsOfOwnClusters"));
    expect(mine).toContain("aws:ResourceTag/aws:rds:primaryDBClusterArn");
    expect(mine).toContain(":cluster:rekindle-ledger-recovery-ledger");
  });
});
