import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CopyDBSnapshotCommand,
  CreateDBInstanceCommand,
  type CreateDBInstanceCommandInput,
  CreateDBSnapshotCommand,
  DeleteDBInstanceAutomatedBackupCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  type RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceAutomatedBackupsReplicationCommand,
} from "@aws-sdk/client-rds";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { imageDone } from "../../../../sandbox/bodies/rds/postgres.ts";
import { sandboxWithBodies } from "../gateway-with-bodies.ts";

const { engine, sandbox, aws, notes } = sandboxWithBodies();
const away = "eu-central-1";
let scripts: string[] = [];
let failing: string | undefined;

beforeEach(() => {
  scripts = [];
  failing = undefined;
  engine().booted = async (machine) => {
    if (!machine.consoleFile.endsWith("-builder.log")) return;
    await appendFile(machine.consoleFile, imageDone);
    machine.shutItselfDown();
  };
  // Nothing of it may run on this computer: it formats disks.
  engine().scripted = async (_, script) => {
    scripts.push(script);
    return {
      ending: { kind: "exited", code: failing === undefined ? 0 : 1 },
      stdout: "",
      stderr: failing ?? "",
    };
  };
});

async function create(rds: RDSClient, more: Partial<CreateDBInstanceCommandInput> = {}) {
  return await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: "ledger",
      DBInstanceClass: "db.t3.micro",
      Engine: "postgres",
      EngineVersion: "15.8",
      AllocatedStorage: 20,
      MasterUsername: "keeper",
      MasterUserPassword: "a password",
      BackupRetentionPeriod: 1,
      ...more,
    }),
  );
}

async function become(rds: RDSClient, DBInstanceIdentifier: string, status: string) {
  return await vi.waitFor(
    async () => {
      const found = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
      expect(found.DBInstances![0]!.DBInstanceStatus).toBe(status);
      return found.DBInstances![0]!;
    },
    { timeout: 20_000 },
  );
}

/** The folder that stands for the data volume of the database that booted last. */
const data = () => engine().machines.at(-1)!.attached.get("/dev/sdf")!;

describe("an RDS instance", () => {
  test("is being created until its server serves, at an address that only its region knows by its name", async () => {
    const { rds } = aws();
    const made = await create(rds);
    expect(made.DBInstance!.DBInstanceStatus).toBe("creating");
    const { Endpoint } = await become(rds, "ledger", "available");
    const { address } = engine().machines.at(-1)!;
    expect(engine().surroundings.get("eu-west-1")!.resolve(Endpoint!.Address!)).toBe(address);
    expect(scripts[0]).toContain("--set=password='a password'");
  });

  test("whose server does not start has failed, and the log says why", async () => {
    failing = "no space left on device";
    await create(aws().rds);
    await become(aws().rds, "ledger", "failed");
    await vi.waitFor(() => expect(notes.at(-1)).toMatch(/ledger in eu-west-1 failed: .*no space left/));
    expect(engine().running()).toEqual([]);
  });

  test("without a password for its master user, or with a name that RDS keeps, is refused", async () => {
    const without = { MasterUserPassword: undefined } as unknown as Partial<CreateDBInstanceCommandInput>;
    await expect(create(aws().rds, without)).rejects.toMatchObject({ name: "InvalidParameterValue" });
    await expect(create(aws().rds, { MasterUsername: "rdsadmin" })).rejects.toMatchObject({
      name: "InvalidParameterValue",
    });
  });

  test("of another kind stays a row of the emulator's", async () => {
    const made = await create(aws().rds, { Engine: "mysql", EngineVersion: "8.0.39" });
    expect(made.DBInstance!.DBInstanceStatus).toBe("available");
    expect(engine().machines).toEqual([]);
  });

  test("comes back in another region with what its snapshot holds", async () => {
    const { rds } = aws();
    const other = aws(away).rds;
    await create(rds);
    await become(rds, "ledger", "available");
    await writeFile(join(data(), "rows"), "first");
    const source = data();
    await rds.send(
      new CreateDBSnapshotCommand({ DBInstanceIdentifier: "ledger", DBSnapshotIdentifier: "nightly" }),
    );
    await writeFile(join(source, "rows"), "first, second");
    await other.send(
      new CopyDBSnapshotCommand({
        SourceDBSnapshotIdentifier: "arn:aws:rds:eu-west-1:123456789012:snapshot:nightly",
        TargetDBSnapshotIdentifier: "copied",
        KmsKeyId: "alias/aws/rds",
      }),
    );
    await sandbox().loseRegion("eu-west-1", "refused");
    expect(engine().running()).toEqual([]);
    await other.send(
      new RestoreDBInstanceFromDBSnapshotCommand({
        DBInstanceIdentifier: "rebuilt",
        DBSnapshotIdentifier: "copied",
      }),
    );
    await become(other, "rebuilt", "available");
    expect(await readFile(join(data(), "rows"), "utf8")).toBe("first");

    await sandbox().restoreRegion("eu-west-1");
    await become(rds, "ledger", "available");
    expect(engine().running()).toHaveLength(2);
  });

  test("comes back from what another region keeps of its backups and its log, when its own is lost", async () => {
    const { rds } = aws();
    const other = aws(away).rds;
    await create(rds);
    await become(rds, "ledger", "available");
    const SourceDBInstanceArn = "arn:aws:rds:eu-west-1:123456789012:db:ledger";
    await other.send(new StartDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn }));
    const kept = await vi.waitFor(async () => {
      const found = await other.send(new DescribeDBInstanceAutomatedBackupsCommand({}));
      const [backup] = found.DBInstanceAutomatedBackups!;
      expect(backup).toMatchObject({ Status: "replicating", DBInstanceIdentifier: "ledger" });
      return backup!;
    });
    await sandbox().loseRegion("eu-west-1", "refused");
    const RestoreTime = kept.RestoreWindow!.LatestTime!;
    const SourceDBInstanceAutomatedBackupsArn = kept.DBInstanceAutomatedBackupsArn!;
    await other.send(
      new RestoreDBInstanceToPointInTimeCommand({
        TargetDBInstanceIdentifier: "rebuilt",
        SourceDBInstanceAutomatedBackupsArn,
        RestoreTime,
      }),
    );
    await become(other, "rebuilt", "available");
    const started = scripts.find((script) => script.includes("/restored"));
    expect(started).toContain(`recovery_target_time = '${RestoreTime.toISOString().replace("Z", "+00")}'`);

    await other.send(
      new DeleteDBInstanceAutomatedBackupCommand({
        DBInstanceAutomatedBackupsArn: SourceDBInstanceAutomatedBackupsArn,
      }),
    );
    const found = await other.send(new DescribeDBInstanceAutomatedBackupsCommand({}));
    expect(found.DBInstanceAutomatedBackups!.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier)).toEqual(
      ["rebuilt"],
    );
  });

  test("can be copied only when it serves, and restored to a moment only when it has backups", async () => {
    const { rds } = aws();
    await create(rds, { BackupRetentionPeriod: 0 });
    const taken = rds.send(
      new CreateDBSnapshotCommand({ DBInstanceIdentifier: "ledger", DBSnapshotIdentifier: "early" }),
    );
    await expect(taken).rejects.toMatchObject({ name: "InvalidDBInstanceStateFault" });
    await become(rds, "ledger", "available");
    const restored = rds.send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: "ledger",
        TargetDBInstanceIdentifier: "earlier",
        UseLatestRestorableTime: true,
      }),
    );
    await expect(restored).rejects.toMatchObject({ name: "PointInTimeRestoreNotEnabledFault" });
    const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: "manual" }));
    expect(DBSnapshots).toEqual([]);
  });

  test("that is deleted leaves no body, and no disk but the image that databases start from", async () => {
    const { rds } = aws();
    const lifetime = async () => {
      await create(rds);
      await become(rds, "ledger", "available");
      await rds.send(
        new DeleteDBInstanceCommand({
          DBInstanceIdentifier: "ledger",
          SkipFinalSnapshot: true,
          DeleteAutomatedBackups: true,
        }),
      );
      expect(engine().running()).toEqual([]);
      return [...engine().disks];
    };
    const afterFirst = await lifetime();
    expect(await lifetime()).toEqual(afterFirst);
  });
});
