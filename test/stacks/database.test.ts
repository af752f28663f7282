import { expect, test } from "vitest";
import { all, ledger, synthesize } from "./builder.ts";

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
