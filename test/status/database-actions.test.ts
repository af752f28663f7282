import { expect, test } from "vitest";
import type { Database } from "../../bootstrap/config/schema.ts";
import type { DatabasePin } from "../../bootstrap/recovery/database-pin.ts";
import { databaseActions } from "../../bootstrap/status/database-actions.ts";
import { clustered, ledger } from "../stacks/builder.ts";

const instance = ledger().topology.environment.databases.ledger!;
const cluster = clustered().topology.environment.databases.ledger!;
const snapshot: DatabasePin = { kind: "snapshot", snapshotId: "snapshot-1" };
const inTime: DatabasePin = {
  kind: "point-in-time",
  source: { kind: "live", identifier: "rekindle-ledger-primary-ledger" },
  restoreTime: "2026-11-24T03:00:00Z",
};

test.each<[string, Database, DatabasePin, string[]]>([
  ["an instance from its snapshot", instance, snapshot, ["rds:RestoreDBInstanceFromDBSnapshot"]],
  ["an instance to a second", instance, inTime, ["rds:RestoreDBInstanceToPointInTime"]],
  [
    "a cluster from its snapshot",
    cluster,
    snapshot,
    ["rds:RestoreDBClusterFromSnapshot", "rds:CreateDBInstance"],
  ],
  ["a cluster to a second", cluster, inTime, ["rds:RestoreDBClusterToPointInTime", "rds:CreateDBInstance"]],
])("%s is brought back by its own action", (_, database, pin, actions) => {
  expect(databaseActions({ databases: { ledger: database } }, { ledger: pin })).toEqual([
    "rds:CreateDBSubnetGroup",
    ...actions,
  ]);
});

test("an environment without databases calls nothing of RDS", () => {
  expect(databaseActions({ databases: {} }, {})).toEqual([]);
});
