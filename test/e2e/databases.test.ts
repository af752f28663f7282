import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Instance, RunInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import {
  CopyDBSnapshotCommand,
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
} from "@aws-sdk/client-rds";
import { GetCommandInvocationCommand, SendCommandCommand } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import type { Sandbox } from "../../bootstrap/edges/sandbox.ts";
import { publicImage } from "../sandbox/bodies/launch.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";
import { clients } from "../sandbox/clients.ts";
import { startBoxSandbox } from "./box-sandbox.ts";

const home = "eu-west-1";
const away = "eu-central-1";
const servesLimitMs = 300_000;
const password = "it's a $ecret";

describe.skipIf(lackingForBox() !== undefined)("RDS instances with bodies of the engine box", () => {
  let folder = "";
  let sandbox: Sandbox;
  /** Servers of each region from which databases are asked. */
  const servers = new Map<string, Instance>();
  const aws = (region: string) => clients(sandbox.endpoint, region, 120_000);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-databases-"));
    sandbox = await startBoxSandbox(folder);
    for (const region of [home, away]) servers.set(region, await launchServer(region));
    for (const region of [home, away]) await shell(region, "cloud-init status --wait");
  }, 900_000);

  afterAll(async () => {
    await sandbox?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function launchServer(region: string): Promise<Instance> {
    const userData = "#cloud-config\npackage_update: true\npackages: [postgresql-client]\n";
    const made = await aws(region).ec2.send(
      new RunInstancesCommand({
        ImageId: publicImage,
        MinCount: 1,
        MaxCount: 1,
        UserData: Buffer.from(userData).toString("base64"),
      }),
    );
    return made.Instances![0]!;
  }

  async function shell(region: string, script: string) {
    const client = aws(region).ssm;
    const InstanceId = servers.get(region)!.InstanceId!;
    const { Command } = await client.send(
      new SendCommandCommand({
        DocumentName: "AWS-RunShellScript",
        InstanceIds: [InstanceId],
        Parameters: { commands: [script] },
      }),
    );
    const asked = { CommandId: Command!.CommandId!, InstanceId };
    return await vi.waitFor(
      async () => {
        const said = await client.send(new GetCommandInvocationCommand(asked));
        expect(said.Status).not.toBe("InProgress");
        return said;
      },
      { timeout: 60_000, interval: 100 },
    );
  }

  async function endpoint(region: string, name: string): Promise<string> {
    return await vi.waitFor(
      async () => {
        const found = await aws(region).rds.send(
          new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }),
        );
        const { DBInstanceStatus, Endpoint } = found.DBInstances![0]!;
        expect(DBInstanceStatus, await readFile(join(folder, "gateway.log"), "utf8")).toBe("available");
        return Endpoint!.Address!;
      },
      { timeout: servesLimitMs, interval: 500 },
    );
  }

  /** What psql says, as the master user or another one, over TLS unless it is told otherwise. */
  async function ask(region: string, host: string, sql: string, more = "", secret = password) {
    const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
    return await shell(
      region,
      `PGPASSWORD=${quoted(secret)} PGCONNECT_TIMEOUT=10 psql -qAtX ${quoted(`host=${host} dbname=ledger user=keeper sslmode=require ${more}`)} -c ${quoted(sql)}`,
    );
  }

  async function rows(region: string, host: string, secret = password): Promise<string[]> {
    const said = await ask(region, host, "SELECT text FROM rows ORDER BY id", "", secret);
    expect(said).toMatchObject({ ResponseCode: 0, StandardErrorContent: "" });
    return said.StandardOutputContent!.trim().split("\n");
  }

  const write = async (host: string, text: string) => {
    const said = await ask(
      home,
      host,
      `INSERT INTO rows (text) VALUES ('${text}') RETURNING clock_timestamp()`,
    );
    expect(said).toMatchObject({ ResponseCode: 0 });
  };

  test("serve rows, and bring them back from a snapshot in another region", {
    timeout: 600_000,
  }, async () => {
    const { rds } = aws(home);
    const made = await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: "ledger",
        DBInstanceClass: "db.t3.micro",
        Engine: "postgres",
        EngineVersion: "15.8",
        AllocatedStorage: 20,
        MasterUsername: "keeper",
        MasterUserPassword: password,
        DBName: "ledger",
        BackupRetentionPeriod: 1,
      }),
    );
    expect(made.DBInstance!.DBInstanceStatus).toBe("creating");
    const host = await endpoint(home, "ledger");
    const created = await ask(home, host, "CREATE TABLE rows (id serial PRIMARY KEY, text text)");
    expect(created).toMatchObject({ ResponseCode: 0, StandardErrorContent: "" });
    await write(host, "first");

    expect(await ask(home, host, "SELECT 1", "sslmode=disable")).toMatchObject({
      StandardErrorContent: expect.stringContaining("no encryption"),
    });
    expect(await ask(home, host, "SELECT 1", "", "wrong")).toMatchObject({
      StandardErrorContent: expect.stringContaining("password authentication failed"),
    });
    expect(await ask(home, host, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).toMatchObject(
      {
        StandardOutputContent: "f\n",
      },
    );

    await rds.send(
      new CreateDBSnapshotCommand({ DBInstanceIdentifier: "ledger", DBSnapshotIdentifier: "nightly" }),
    );
    await write(host, "after the snapshot");
    await aws(away).rds.send(
      new CopyDBSnapshotCommand({
        SourceDBSnapshotIdentifier: `arn:aws:rds:${home}:123456789012:snapshot:nightly`,
        TargetDBSnapshotIdentifier: "nightly-copy",
        KmsKeyId: "alias/aws/rds",
      }),
    );
    await aws(away).rds.send(
      new RestoreDBInstanceFromDBSnapshotCommand({
        DBInstanceIdentifier: "rebuilt",
        DBSnapshotIdentifier: "nightly-copy",
      }),
    );
    const rebuilt = await endpoint(away, "rebuilt");
    expect(await rows(away, rebuilt)).toEqual(["first"]);
    await aws(away).rds.send(
      new ModifyDBInstanceCommand({ DBInstanceIdentifier: "rebuilt", MasterUserPassword: "another-one" }),
    );
    expect(await rows(away, rebuilt, "another-one")).toEqual(["first"]);
    // Regions know only their own names.
    expect(await ask(away, host, "SELECT 1")).toMatchObject({
      StandardErrorContent: expect.stringContaining("could not translate host name"),
    });
  });

  test("come back as they were between two rows", { timeout: 300_000 }, async () => {
    const { rds } = aws(home);
    const host = await endpoint(home, "ledger");
    const between = systemClock.now();
    await write(host, "after the moment");
    await rds.send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: "ledger",
        TargetDBInstanceIdentifier: "between",
        RestoreTime: between,
      }),
    );
    await rds.send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: "ledger",
        TargetDBInstanceIdentifier: "latest",
        UseLatestRestorableTime: true,
      }),
    );
    expect(await rows(home, await endpoint(home, "between"))).toEqual(["first", "after the snapshot"]);
    expect(await rows(home, await endpoint(home, "latest"))).toEqual([
      "first",
      "after the snapshot",
      "after the moment",
    ]);
    await expect(
      rds.send(
        new RestoreDBInstanceToPointInTimeCommand({
          SourceDBInstanceIdentifier: "ledger",
          TargetDBInstanceIdentifier: "tomorrow",
          RestoreTime: new Date(systemClock.now().getTime() + 86_400_000),
        }),
      ),
    ).rejects.toMatchObject({ name: "InvalidParameterValue" });
  });

  test("keep their rows while they are stopped, and while their region is lost", {
    timeout: 300_000,
  }, async () => {
    const { rds } = aws(home);
    const DBInstanceIdentifier = "ledger";
    const host = await endpoint(home, DBInstanceIdentifier);
    await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier }));
    await vi.waitFor(
      async () => {
        const found = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
        expect(found.DBInstances![0]!.DBInstanceStatus).toBe("stopped");
      },
      { timeout: 60_000, interval: 250 },
    );
    expect((await ask(home, host, "SELECT 1")).ResponseCode).not.toBe(0);
    await rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier }));
    await endpoint(home, DBInstanceIdentifier);
    await write(host, "started again");
    await sandbox.loseRegion(home, "refused");
    await sandbox.restoreRegion(home);
    await endpoint(home, DBInstanceIdentifier);
    expect(await rows(home, host)).toContain("started again");
  });

  test("leave nothing when they are deleted", { timeout: 120_000 }, async () => {
    for (const [region, name] of [
      [home, "ledger"],
      [home, "between"],
      [home, "latest"],
      [away, "rebuilt"],
    ] as const)
      await aws(region).rds.send(
        new DeleteDBInstanceCommand({ DBInstanceIdentifier: name, SkipFinalSnapshot: true }),
      );
    await aws(home).rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: "nightly" }));
    await aws(away).rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: "nightly-copy" }));
    for (const [region, { InstanceId }] of servers)
      await aws(region).ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId!] }));
    for (const region of [home, away])
      for (const kind of ["roots", "volumes", "snapshots"])
        expect(await readdir(join(folder, "disks", region, kind)).catch(() => [])).toEqual([]);
  });
});
