import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Instance, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceAutomatedBackupsReplicationCommand,
} from "@aws-sdk/client-rds";
import { GetCommandInvocationCommand, GetParameterCommand, SendCommandCommand } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { planRestoreOfDatabase, restoreDatabase } from "../../bootstrap/commands/restore-database.ts";
import { primaryDatabases } from "../../bootstrap/config/databases.ts";
import {
  databaseIdentifier,
  endpointParameter,
  keyAlias,
  secretParameter,
} from "../../bootstrap/config/names.ts";
import { awsAccount } from "../../bootstrap/edges/aws/account.ts";
import { rdsReplication } from "../../bootstrap/edges/aws/backup-replication.ts";
import { rdsBackups } from "../../bootstrap/edges/aws/database-backups.ts";
import { rdsInstances } from "../../bootstrap/edges/aws/database-instances.ts";
import { ssmParameters } from "../../bootstrap/edges/aws/parameters.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import type { Sandbox } from "../../bootstrap/edges/sandbox.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import type { RestoreWish } from "../../bootstrap/recovery/database-restore.ts";
import { toTheSecond } from "../../bootstrap/recovery/points-in-time.ts";
import { account, aDatabase, aDatabaseSet, aPoint, aTopology, primary, recovery } from "../builders.ts";
import { startBoxSandbox } from "../e2e/box-sandbox.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { publicImage } from "../sandbox/bodies/launch.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";
import { clients } from "../sandbox/clients.ts";

const password = "a password of 20 characters";
const topology = aTopology({
  databases: { ledger: aDatabase({ replicateBackups: true, backupRetentionDays: 1 }) },
  roles: { web: { count: 1, instanceType: "t3.small" } },
});
const identifier = databaseIdentifier("shop", "primary", "ledger");

/** A real PostgreSQL with rows, whose backups are in another region: back to a second there, and then at home. */
describe.skipIf(lackingForBox() !== undefined)("an RDS instance as of a second", () => {
  let folder = "";
  let sandbox: Sandbox;
  /** A whole second between two rows. */
  let between = "";
  const servers = new Map<string, Instance>();
  const aws = (region: string) => clients(sandbox.endpoint, region, 120_000);
  const access = () => ({
    endpoint: sandbox.endpoint,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    stopwatch: new Stopwatch(systemClock),
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-as-of-"));
    sandbox = await startBoxSandbox(folder, { account });
    const made = aws(primary).rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: identifier,
        DBInstanceClass: "db.t3.medium",
        Engine: "postgres",
        EngineVersion: "15.8",
        AllocatedStorage: 20,
        MasterUsername: "ledger",
        MasterUserPassword: password,
        DBName: "ledger",
        BackupRetentionPeriod: 1,
      }),
    );
    const { endpoint, credentials } = access();
    const kms = new KMSClient({ endpoint, credentials, region: recovery });
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    const AliasName = keyAlias("shop");
    await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyMetadata!.KeyId! }));
    await Promise.all([made, ...[primary, recovery].map(launchServer)]);
    for (const region of [primary, recovery]) await shell(region, "cloud-init status --wait");
  }, 600_000);

  afterAll(async () => {
    await sandbox?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function launchServer(region: string): Promise<void> {
    const userData = "#cloud-config\npackage_update: true\npackages: [postgresql-client]\n";
    const UserData = Buffer.from(userData).toString("base64");
    const asked = { ImageId: publicImage, MinCount: 1, MaxCount: 1, UserData };
    servers.set(region, (await aws(region).ec2.send(new RunInstancesCommand(asked))).Instances![0]!);
  }

  async function shell(region: string, script: string) {
    const { ssm } = aws(region);
    const InstanceId = servers.get(region)!.InstanceId!;
    const { Command } = await ssm.send(
      new SendCommandCommand({
        DocumentName: "AWS-RunShellScript",
        InstanceIds: [InstanceId],
        Parameters: { commands: [script] },
      }),
    );
    return await vi.waitFor(
      async () => {
        const said = await ssm.send(
          new GetCommandInvocationCommand({ CommandId: Command!.CommandId!, InstanceId }),
        );
        expect(said.Status).not.toBe("InProgress");
        return said;
      },
      { timeout: 240_000, interval: 100 },
    );
  }

  /** What psql says, as the master user. */
  async function ask(region: string, endpoint: string, sql: string, secret = password): Promise<string[]> {
    const [host, port] = endpoint.split(":");
    const said = await shell(
      region,
      `PGPASSWORD='${secret}' psql -qAtX 'host=${host} port=${port} dbname=ledger user=ledger sslmode=require' -c "${sql}"`,
    );
    expect(said).toMatchObject({ ResponseCode: 0, StandardErrorContent: "" });
    return said.StandardOutputContent!.trim().split("\n");
  }

  /** Of a secret that RDS manages, asked without the SDK, which this project has no client of. */
  async function passwordIn(SecretId: string): Promise<string> {
    const scope = `test/20260101/${primary}/secretsmanager/aws4_request`;
    const answer = await fetch(sandbox.endpoint, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "secretsmanager.GetSecretValue",
        Authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify({ SecretId }),
    });
    const { SecretString } = (await answer.json()) as { SecretString: string };
    return JSON.parse(SecretString).password;
  }

  const rows = (region: string, endpoint: string, secret?: string) =>
    ask(region, endpoint, "SELECT text FROM rows ORDER BY id", secret);

  async function available(region: string, name: string): Promise<string> {
    return await vi.waitFor(
      async () => {
        const asked = new DescribeDBInstancesCommand({ DBInstanceIdentifier: name });
        const { DBInstanceStatus, Endpoint } = (await aws(region).rds.send(asked)).DBInstances![0]!;
        expect(DBInstanceStatus).toBe("available");
        return `${Endpoint!.Address}:${Endpoint!.Port}`;
      },
      { timeout: 240_000, interval: 500 },
    );
  }

  test("comes back in another region with the rows before it and none after, when its own is lost", {
    timeout: 600_000,
  }, async () => {
    const endpoint = await available(primary, identifier);
    await aws(recovery).rds.send(
      new StartDBInstanceAutomatedBackupsReplicationCommand({
        SourceDBInstanceArn: `arn:aws:rds:${primary}:${account}:db:${identifier}`,
      }),
    );
    await ask(primary, endpoint, "CREATE TABLE rows (id serial PRIMARY KEY, text text)");
    await ask(primary, endpoint, "INSERT INTO rows (text) VALUES ('before')");
    await systemClock.sleep(1_000);
    between = toTheSecond(systemClock.now().toISOString());
    await systemClock.sleep(1_000);
    await ask(primary, endpoint, "INSERT INTO rows (text) VALUES ('after')");
    const written = systemClock.now().toISOString();

    const backups = rdsBackups(access(), recovery);
    const [restorable] = await vi.waitFor(
      async () => {
        const found = await backups.restorable(primaryDatabases(topology.environment));
        expect(found[0]?.until ?? "").toSatisfy((until: string) => until > written);
        return found;
      },
      { timeout: 60_000, interval: 500 },
    );
    if (restorable?.source.kind !== "replicated") throw new Error("its backup is not in the other region");
    const { arn } = restorable.source;
    await ask(primary, endpoint, "INSERT INTO rows (text) VALUES ('lost')");
    await sandbox.loseRegion(primary, "refused");
    const [atTheEnd] = await backups.restorable(primaryDatabases(topology.environment));
    const { rds } = aws(recovery);
    const restore = (TargetDBInstanceIdentifier: string, until: object) =>
      rds.send(
        new RestoreDBInstanceToPointInTimeCommand({
          SourceDBInstanceAutomatedBackupsArn: arn,
          TargetDBInstanceIdentifier,
          ...until,
        }),
      );
    await restore("as-of", { RestoreTime: new Date(between) });
    await restore("latest", { UseLatestRestorableTime: true });
    expect(await rows(recovery, await available(recovery, "as-of"))).toEqual(["before"]);
    expect((await rows(recovery, await available(recovery, "latest"))).slice(0, 2)).toEqual([
      "before",
      "after",
    ]);
    const later = new Date(Date.parse(atTheEnd!.until) + 1_000);
    await expect(restore("tomorrow", { RestoreTime: later })).rejects.toMatchObject({
      name: "InvalidParameterValue",
    });
    await sandbox.restoreRegion(primary);
    await available(primary, identifier);
  });

  function contextOf(wish: RestoreWish, catalog = new Catalog(new MemoryStore(primary))) {
    return {
      topology,
      database: "ledger",
      wish,
      account: awsAccount(access()),
      catalog,
      backups: rdsBackups(access(), primary),
      instances: rdsInstances(access(), primary),
      parameters: ssmParameters(access(), primary),
      replication: rdsReplication(access(), recovery),
      print: vi.fn(),
      clock: systemClock,
      stopwatch: new Stopwatch(systemClock),
      signal: new AbortController().signal,
    };
  }

  const parameter = async (Name: string) =>
    (await aws(primary).ssm.send(new GetParameterCommand({ Name }))).Parameter!.Value!;
  const parametersLeadTo = async () => {
    const endpoint = await parameter(endpointParameter("shop", "primary", "ledger"));
    return {
      endpoint,
      secret: await passwordIn(await parameter(secretParameter("shop", "primary", "ledger"))),
    };
  };
  const instances = async () =>
    (await aws(primary).rds.send(new DescribeDBInstancesCommand({}))).DBInstances!.map(
      ({ DBInstanceIdentifier }) => DBInstanceIdentifier!,
    );
  const backupsThere = async () => {
    const asked = new DescribeDBInstanceAutomatedBackupsCommand({ DBInstanceIdentifier: identifier });
    const found = (await aws(recovery).rds.send(asked)).DBInstanceAutomatedBackups!;
    return found.map(({ Status, DBInstanceAutomatedBackupsArn: arn }) => ({ Status, arn }));
  };

  test("takes its own place at home, where the one before is kept, and the servers' parameters lead to it", {
    timeout: 300_000,
  }, async () => {
    const context = contextOf({ kind: "as-of", moment: between });
    const planned = await planRestoreOfDatabase(context);
    expect(planned).toMatchObject({ from: { kind: "point-in-time", restoreTime: between } });
    expect(await instances()).toEqual([identifier]);
    const [before] = await backupsThere();

    const { kept, followedBy } = await restoreDatabase(context);
    const { endpoint, secret } = await parametersLeadTo();
    expect(await rows(primary, endpoint, secret)).toEqual(["before"]);
    expect(await rows(primary, await available(primary, kept))).toEqual(["before", "after", "lost"]);
    // The other region has the earlier one's log still, and follows the one that has the name now.
    expect(await backupsThere()).toEqual([
      { Status: "retained", arn: before!.arn },
      { Status: expect.stringMatching(/^(pending|replicating)$/), arn: followedBy },
    ]);
    // Nothing is left to do for a second run, which says so.
    expect(await restoreDatabase(context)).toMatchObject({ kept, followedBy });
    expect(context.print.mock.calls.flat().at(-1)).toContain(`rename ${kept} first`);
    expect(await instances()).toHaveLength(2);
  });

  test("goes back to a point's snapshot, and stays what it was when it can't take the name", {
    timeout: 300_000,
  }, async () => {
    const { endpoint, secret } = await parametersLeadTo();
    await ask(primary, endpoint, "INSERT INTO rows (text) VALUES ('in the point')", secret);
    const DBSnapshotIdentifier = "of-the-point";
    const asked = { DBInstanceIdentifier: identifier, DBSnapshotIdentifier };
    await aws(primary).rds.send(new CreateDBSnapshotCommand(asked));
    await vi.waitFor(
      async () => {
        const { DBSnapshots } = await aws(primary).rds.send(
          new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier }),
        );
        expect(DBSnapshots![0]!.Status).toBe("available");
      },
      { timeout: 60_000, interval: 500 },
    );
    await ask(primary, endpoint, "INSERT INTO rows (text) VALUES ('wrong')", secret);
    const set = {
      ...aDatabaseSet(systemClock.now().toISOString()),
      snapshots: { [primary]: DBSnapshotIdentifier },
    };
    const point = aPoint({ sets: [set] });
    const context = contextOf({ kind: "point", id: point.id });
    await context.catalog.writePoint(point);

    const unnamed = {
      ...context.instances,
      rename: async (from: string, to: string) => {
        if (to === identifier && from.includes("-at-")) throw new Error("RDS is out of names");
        await context.instances.rename(from, to);
      },
    };
    const failed = restoreDatabase({ ...context, instances: unnamed });
    await expect(failed).rejects.toMatchObject({ details: ["RDS is out of names"] });
    expect(await rows(primary, await available(primary, identifier), secret)).toContain("wrong");
    expect((await backupsThere()).filter(({ Status }) => Status !== "retained")).toHaveLength(1);

    const { kept } = await restoreDatabase(context);
    const renewed = await parametersLeadTo();
    expect(await rows(primary, renewed.endpoint, renewed.secret)).toEqual(["before", "in the point"]);
    expect(await rows(primary, await available(primary, kept), secret)).toContain("wrong");
    expect((await backupsThere()).filter(({ Status }) => Status !== "retained")).toHaveLength(1);
  });
});
