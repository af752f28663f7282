import { CreateDBClusterCommand, CreateDBInstanceCommand, type RDSClient } from "@aws-sdk/client-rds";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makePlan } from "../../bootstrap/commands/plan.ts";
import { takeSnapshot } from "../../bootstrap/commands/snapshot.ts";
import type { DatabaseSnapshots } from "../../bootstrap/edges/aws/database-snapshots.ts";
import { type Sandbox, startSandbox } from "../../bootstrap/edges/sandbox.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import { aDatabase, aTopology, primary, recovery } from "../builders.ts";
import { bakeIn, publishIn, type TestField, testField } from "../commands/field.ts";
import { clients } from "../sandbox/clients.ts";
import { gatewayFolder } from "../sandbox/gateway.ts";

/** Recovery points of databases when RDS refuses a part: in a real emulator, with its own refusals. */
const folder = gatewayFolder();
const limit = 6;
let sandbox: Sandbox;

beforeAll(async () => {
  // The emulator's quota counts automated snapshots too: one of each database that is there.
  const moto = ["env", `MOTO_RDS_SNAPSHOT_LIMIT=${limit}`, "MOTO_EC2_LOAD_DEFAULT_AMIS=false", "moto_server"];
  sandbox = await startSandbox(folder.options({ moto }));
}, 120_000);
beforeEach(async () => await sandbox.reset());
afterAll(async () => await sandbox?.stop());

const web = { web: { count: 1, instanceType: "t3.small" } };
const cluster = {
  engine: "aurora-postgresql",
  engineVersion: "16.3",
  instanceClass: "db.r6g.large",
  port: 5432,
  databaseName: "ledger",
  username: "ledger",
  clients: ["web"],
};

async function open(databases: Record<string, object>): Promise<TestField> {
  const field = await testField(sandbox, aTopology({ databases, roles: web }));
  await publishIn(field);
  await bakeIn(field);
  const { rds } = clients(sandbox.endpoint, primary);
  for (const [name, database] of Object.entries(databases))
    await create(rds, name, database as typeof cluster);
  return field;
}

async function create(rds: RDSClient, name: string, { engine }: { engine: string }): Promise<void> {
  const identifier = `rekindle-shop-primary-${name}`;
  const shared = { Engine: engine, MasterUsername: "ledger", MasterUserPassword: "a password" };
  if (engine.startsWith("aurora")) {
    await rds.send(new CreateDBClusterCommand({ DBClusterIdentifier: identifier, ...shared }));
    return;
  }
  await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: identifier,
      DBInstanceClass: "db.t3.medium",
      AllocatedStorage: 20,
      BackupRetentionPeriod: 7,
      ...shared,
    }),
  );
}

const snapshotIn = ({ shared, cloud }: TestField, changes: object = {}) =>
  takeSnapshot({
    ...shared,
    primary: cloud.primary,
    recovery: cloud.recovery,
    ...changes,
  });
const planIn = ({ shared, cloud }: TestField) =>
  makePlan({
    ...shared,
    wish: { kind: "newest" },
    catalog: cloud.recovery.catalog,
    backups: cloud.recovery.backups,
    pinTo: cloud.recovery.catalog,
    recoveryDeployed: async () => false,
  });

/** A region whose snapshots are deleted by somebody else as soon as they are taken. */
function deletedUnderUs(region: TestField["cloud"]["primary"]): { databases: DatabaseSnapshots } {
  const { databases } = region;
  return {
    ...region,
    databases: {
      ...databases,
      async take(...given) {
        await databases.take(...given);
        await databases.remove(given[1]);
      },
    },
  };
}

describe("a recovery point of two databases", () => {
  const both = { ledger: aDatabase(), audit: aDatabase() };

  it("that are deleted under it is incomplete and names the parts, and the earlier one stays as it was", async () => {
    const field = await open(both);
    const earlier = await snapshotIn(field);
    const failed = await snapshotIn(field, { primary: deletedUnderUs(field.cloud.primary) }).then(
      () => expect.unreachable("it succeeded"),
      (error: RekindleError) => error,
    );
    for (const name of Object.keys(both))
      expect(failed.details.join("\n")).toMatch(new RegExp(`^${name}: .*DB snapshot .* is gone`, "m"));
    const points = await field.cloud.recovery.catalog.points();
    expect(points.map(({ status }) => status).sort()).toEqual(["complete", "incomplete"]);
    expect(points.find(({ id }) => id === earlier.id)).toEqual(earlier);
    const plan = await planIn(field);
    expect(plan.point).toBe(earlier.id);
    expect(plan.passedOver[0]?.reasons[0]).toBe("incomplete");
  });

  it("of which one meets the quota has the other, and says which", async () => {
    const field = await open(both);
    // Two automated ones are there, and each point adds two.
    for (let taken = 2; taken < limit; taken += 2) await snapshotIn(field);
    const failed = await snapshotIn(field).then(
      () => expect.unreachable("it succeeded"),
      (error: RekindleError) => error,
    );
    expect(failed.details.join("\n")).toMatch(
      /^(ledger|audit): RDS CreateDBSnapshot in eu-west-1: .*(quota|limit|exceed)/im,
    );
  });
});

it("an Aurora cluster's snapshot is copied, planned from, and tells what its own region can restore", async () => {
  const field = await open({ ledger: cluster });
  const { status, sets } = await snapshotIn(field);
  expect(status).toBe("complete");
  const [set] = sets;
  if (set?.kind !== "database") throw new Error("there is no database in the point");
  expect(Object.keys(set.snapshots).sort()).toEqual([recovery, primary]);
  expect(set.backups).toMatchObject([{ database: "ledger", source: { kind: "live" } }]);
  const { pins } = await planIn(field);
  expect(pins.databases.ledger).toEqual({ kind: "snapshot", snapshotId: set.snapshots[recovery] });
  await field.cloud.recovery.clusters.remove(set.snapshots[recovery]!);
  expect(await field.cloud.recovery.clusters.state(set.snapshots[recovery]!)).toMatchObject({
    kind: "failed",
  });
});
