import {
  CreateDBSnapshotCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
} from "@aws-sdk/client-rds";
import { describe, expect, test } from "vitest";
import { clients } from "./clients.ts";
import { createInstance } from "./db-instance.ts";
import { runningSandbox } from "./gateway.ts";

const sandbox = runningSandbox();

describe("the resource ids of DB instances", () => {
  const rds = () => clients(sandbox().endpoint, "eu-west-1").rds;
  const create = async (identifier: string) => (await createInstance(rds(), identifier)).DbiResourceId!;
  const namesOf = async (id: string) => {
    const Filters = [{ Name: "dbi-resource-id", Values: [id] }];
    const { DBInstances } = await rds().send(new DescribeDBInstancesCommand({ Filters }));
    return DBInstances!.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier);
  };

  test("are each instance's own, and are asked by", async () => {
    const [ledger, other] = [await create("ledger"), await create("other")];
    expect(ledger).toMatch(/^db-[0-9A-Z]{26}$/);
    expect(other).not.toBe(ledger);
    expect(await namesOf(ledger)).toEqual(["ledger"]);
    expect(await namesOf("db-NOBODYS")).toEqual([]);
  });

  test("stay an instance's own when another one takes its name", async () => {
    const [ledger, other] = [await create("ledger"), await create("other")];
    const rename = (DBInstanceIdentifier: string, NewDBInstanceIdentifier: string) =>
      rds().send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier,
          NewDBInstanceIdentifier,
          ApplyImmediately: true,
        }),
      );
    await rename("ledger", "kept");
    await rename("other", "ledger");
    expect([await namesOf(ledger), await namesOf(other)]).toEqual([["kept"], ["ledger"]]);
  });

  test("are new for a new instance of an old name, and a snapshot tells whose it is", async () => {
    const former = await create("ledger");
    const DBSnapshotIdentifier = "kept";
    await rds().send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: "ledger", DBSnapshotIdentifier }));
    const { DBSnapshots } = await rds().send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier }));
    expect(DBSnapshots![0]).toMatchObject({ DbiResourceId: former });
    await rds().send(
      new DeleteDBInstanceCommand({ DBInstanceIdentifier: "ledger", SkipFinalSnapshot: true }),
    );
    expect(await create("ledger")).not.toBe(former);
    expect(await namesOf(former)).toEqual([]);
  });
});
