import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DeleteSnapshotCommand, DescribeSnapshotsCommand } from "@aws-sdk/client-ec2";
import { DisableKeyCommand, EnableKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateDBInstanceCommand, DescribeDBSnapshotsCommand, RDSClient } from "@aws-sdk/client-rds";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { finishCopies } from "../../bootstrap/commands/copy.ts";
import { makePlan } from "../../bootstrap/commands/plan.ts";
import { takeSnapshot } from "../../bootstrap/commands/snapshot.ts";
import { databaseIdentifier, keyAlias, tags } from "../../bootstrap/config/names.ts";
import { type Clock, systemClock } from "../../bootstrap/edges/clock.ts";
import type { CloudRegion } from "../../bootstrap/edges/cloud.ts";
import { type Sandbox, startSandbox } from "../../bootstrap/edges/sandbox.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import { copiedParts } from "../../bootstrap/recovery/copies.ts";
import type { RecoveryPoint } from "../../bootstrap/recovery/point.ts";
import { aDatabase, aTopology, primary, recovery } from "../builders.ts";
import {
  bakeIn,
  credentialsIn,
  launchDatabaseServer,
  publishIn,
  type TestField,
  testField,
} from "../commands/field.ts";
import { clients } from "../sandbox/clients.ts";
import { gatewayFolder } from "../sandbox/gateway.ts";

const further = "eu-north-1";
const vaultId = "210987654321";
const copySeconds = 1;
const copiesAtOnce = 2;

const folder = gatewayFolder();
let sandbox: Sandbox;
beforeAll(async () => {
  const emulator = [
    "env",
    `COPY_SECONDS=${copySeconds}`,
    `COPIES_AT_ONCE=${copiesAtOnce}`,
    "MOTO_EC2_LOAD_DEFAULT_AMIS=false",
    "python3",
    "test/data/moto-with-slow-copies.py",
  ];
  sandbox = await startSandbox(folder.options({ moto: emulator }));
}, 120_000);
beforeEach(async () => await sandbox.reset());
afterAll(async () => await sandbox.stop());

/** Minutes pass in seconds, for whoever waits for minutes before it says something. */
function hasty(factor: number): Clock {
  return { ...systemClock, monotonic: () => systemClock.monotonic() * factor };
}

/** A primary with two database servers of two volumes each, and what the environment says of copies. */
async function open(copies: object = {}, changes: object = {}): Promise<TestField> {
  const environment = {
    copies,
    roles: {
      web: { count: 2, instanceType: "t3.small", dependsOn: ["db"] },
      db: { count: 2, instanceType: "t3.medium" },
    },
    ...changes,
  };
  const field = await testField(sandbox, aTopology(environment));
  await publishIn(field);
  for (const server of ["db-0", "db-1"])
    await launchDatabaseServer(sandbox, field, ["/dev/sdf", "/dev/sdg"], server);
  return field;
}

const snapshotIn = ({ shared, cloud }: TestField, changes: object = {}) =>
  takeSnapshot({ ...shared, ...cloud, ...changes });
const finishIn = ({ shared, cloud }: TestField, id?: string, changes: object = {}) =>
  finishCopies({ ...shared, places: cloud.places, ...changes }, id);
const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error: RekindleError) => error,
  );
const newest = async ({ cloud }: TestField): Promise<RecoveryPoint> =>
  (await cloud.recovery.catalog.points(1))[0]!;

/** The copies of a point that a place really has. */
async function copiesIn({ place }: CloudRegion, point: string) {
  const { ec2 } = clients(sandbox.endpoint, place.region, 30_000, await credentialsIn(sandbox, place));
  const Filters = [{ Name: `tag:${tags.point}`, Values: [point] }];
  return (await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters }))).Snapshots!;
}

async function setKey(field: TestField, region: string, state: "enabled" | "disabled"): Promise<void> {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const kms = new KMSClient({ endpoint: sandbox.endpoint, region, credentials });
  const KeyId = (await field.cloud.account.keyArn(region, keyAlias("shop"))).split("/").at(-1)!;
  await kms.send(state === "disabled" ? new DisableKeyCommand({ KeyId }) : new EnableKeyCommand({ KeyId }));
}

async function copyCalls(region: string) {
  const { requests } = await sandbox.requestsSince(0);
  return requests.filter((request) => request.action === "CopySnapshot" && request.region === region);
}

describe("copies of a recovery point", () => {
  it("come to every place that is named, encrypted with the key that is there", async () => {
    const field = await open({
      regions: [further],
      account: { id: vaultId, role: "rekindle-vault" },
      atOnce: copiesAtOnce,
    });
    const point = await snapshotIn(field);
    expect(point.status).toBe("complete");
    expect(Object.values(point.places!)).toEqual(["complete", "complete", "complete", "complete"]);
    for (const one of field.cloud.places.slice(1)) {
      const key = await one.account.keyArn(one.region, keyAlias("shop"));
      const copies = await copiesIn(one, point.id);
      expect(copies.map(({ SnapshotId }) => SnapshotId).sort(), one.place.name).toEqual(
        copiedParts(point)
          .map(({ snapshots }) => snapshots[one.place.name])
          .sort(),
      );
      expect(copies.map(({ KmsKeyId, OwnerId }) => [KmsKeyId, OwnerId])).toEqual(
        copies.map(() => [key, one.place.account]),
      );
    }
    // A vault's catalog is for whoever has nothing but the vault.
    const vault = field.cloud.places.at(-1)!;
    const [inVault] = await vault.catalog.points();
    expect(copiedParts(inVault!).map(({ snapshots }) => snapshots)).toEqual(
      copiedParts(point).map(({ snapshots }) => ({ [recovery]: snapshots[vault.place.name] })),
    );
    expect(inVault!.status).toBe("complete");
  });

  it("run as many at a time as the environment says, and tell how far they are", async () => {
    const field = await open({ atOnce: copiesAtOnce });
    await snapshotIn(field, { clock: hasty(200) });
    const calls = await copyCalls(recovery);
    // The emulator takes no third one: each refused call would have another status.
    expect(calls.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(field.lines).toContainEqual(
      expect.stringMatching(/^eu-central-1: \d of 4 copies, \d+ % of 40 GiB, about \d+ (s|min) left$/),
    );
  });

  it("wait for room when AWS has none, with ever longer pauses", async () => {
    const field = await open({ atOnce: 4 });
    const point = await snapshotIn(field);
    const statuses = (await copyCalls(recovery)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(4);
    expect(statuses.filter((status) => status === 400).length).toBeGreaterThan(0);
    expect(point.status).toBe("complete");
  });

  it("that get no room for an hour are named, and made later by `rekindle copy`", async () => {
    const field = await open({ regions: [further], atOnce: copiesAtOnce });
    await sandbox.addFault({ service: "ec2", action: "CopySnapshot", region: further, kind: "throttle" });
    const error = await failure(snapshotIn(field, { clock: hasty(1000) }));
    expect(error.message).toMatch(
      /^recovery point point-\w+ is complete in eu-west-1 and eu-central-1, and not everywhere; .*rekindle copy point-\w+$/,
    );
    expect(error.details).toHaveLength(4);
    expect(error.details.join("\n")).toMatch(
      /eu-north-1: volume data-1 of db-1: the copy of volume data-1 of db-1 to eu-north-1 failed: AWS has put it off for 60 minutes \(EC2 CopySnapshot in eu-north-1: Rate exceeded/,
    );
    await sandbox.clearFaults();
    const [finished] = await finishIn(field);
    expect(finished).toMatchObject({ status: "complete", places: { [further]: "complete" } });
    expect(await finishIn(field)).toEqual([]);
  }, 120_000);
});

describe("a region's recovery point", () => {
  it("is chosen there when it is complete there, and not where it lacks a part", async () => {
    const field = await open({ regions: [further] });
    await bakeIn(field);
    await sandbox.addFault({ service: "ec2", action: "CopySnapshot", region: recovery, kind: "500" });
    await failure(snapshotIn(field));
    await sandbox.clearFaults();
    const point = await newest(field);
    const planIn = (catalog: typeof field.cloud.recovery.catalog) =>
      makePlan({
        ...field.shared,
        wish: { kind: "newest" },
        catalog,
        backups: field.cloud.recovery.backups,
        pinTo: field.cloud.recovery.catalog,
        recoveryDeployed: async () => false,
      });
    expect((await planIn(field.cloud.primary.catalog)).point).toBe(point.id);
    const refusal = await failure(planIn(field.cloud.recovery.catalog));
    expect(refusal.details.join("\n")).toContain("volume data-0 of db-0: EC2 CopySnapshot in eu-central-1");
    expect(point.places).toMatchObject({ [primary]: "complete", [further]: "complete" });
  });

  it("is finished from another region when the primary is lost", async () => {
    const field = await open({ regions: [further] });
    await sandbox.addFault({ service: "ec2", action: "CopySnapshot", region: further, kind: "500" });
    await failure(snapshotIn(field));
    await sandbox.clearFaults();
    await sandbox.loseRegion(primary, "refused");
    const error = await failure(finishIn(field));
    // That the primary does not answer is told, and changes nothing of what is known of it.
    expect(error.details).toEqual([
      expect.stringMatching(/^eu-west-1: .* does not answer for region eu-west-1/),
    ]);
    expect((await newest(field)).places).toEqual({
      [primary]: "complete",
      [recovery]: "complete",
      [further]: "complete",
    });
    const [last] = (await copyCalls(further)).slice(-1);
    expect(last).toMatchObject({ status: 200 });
  });
});

describe("a copy that goes wrong", () => {
  it("under us: deleted while it is made, it is named, and copied again on request", async () => {
    const field = await open();
    const earlier = await snapshotIn(field);
    const taking = failure(snapshotIn(field));
    const doomed = await untilCopied(field, earlier.id);
    const { ec2 } = clients(sandbox.endpoint, recovery);
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId: doomed.id }));
    const error = await taking;
    expect(error.details).toEqual([
      expect.stringMatching(
        `^${recovery}: volume data-\\d of db-\\d: .*snapshot ${doomed.id} in ${recovery} is gone`,
      ),
    ]);
    expect(await field.cloud.recovery.catalog.point(earlier.id)).toEqual(earlier);
    const [finished] = await finishIn(field);
    expect(finished).toMatchObject({ id: doomed.point, status: "complete" });
    expect(await copiesIn(field.cloud.recovery, doomed.point)).toHaveLength(4);
  });

  it("for want of a key: it ends in error, is removed and named; with the key it is made", async () => {
    const field = await open();
    const earlier = await snapshotIn(field);
    await setKey(field, recovery, "disabled");
    const refused = await failure(snapshotIn(field));
    expect(refused.details).toEqual([
      `${recovery}: the key alias/rekindle-shop in ${recovery} is Disabled: nothing that it encrypts can be read or made there; enable it, or cancel its deletion`,
    ]);
    await setKey(field, recovery, "enabled");
    // Disabled between the look at it and the copies.
    const { usableKey } = field.cloud.recovery.account;
    field.cloud.recovery.account.usableKey = async (region, alias) => {
      const key = await usableKey(region, alias);
      await setKey(field, recovery, "disabled");
      return key;
    };
    const error = await failure(finishIn(field));
    field.cloud.recovery.account.usableKey = usableKey;
    expect(error.details).toHaveLength(4);
    expect(error.details.join("\n")).toContain("is error: Given key ID is not accessible");
    const unfinished = await newest(field);
    expect(await copiesIn(field.cloud.recovery, unfinished.id)).toEqual([]);
    expect(await field.cloud.recovery.catalog.point(earlier.id)).toEqual(earlier);
    await setKey(field, recovery, "enabled");
    expect((await finishIn(field))[0]?.status).toBe("complete");
  });

  it("in a complete point is found when the point is named", async () => {
    const field = await open();
    const { id, sets } = await snapshotIn(field);
    const [part] = copiedParts({ ...(await newest(field)), sets });
    await field.cloud.recovery.volumes.remove(part!.snapshots[recovery]!);
    expect(await finishIn(field)).toEqual([]);
    const [mended] = await finishIn(field, id);
    expect(mended!.status).toBe("complete");
    expect(copiedParts(mended!)[0]!.snapshots[recovery]).not.toBe(part!.snapshots[recovery]);
    expect(await copiesIn(field.cloud.recovery, id)).toHaveLength(4);
  });

  it("because its source is gone too can't be mended, and says so", async () => {
    const field = await open();
    const point = await snapshotIn(field);
    for (const one of [field.cloud.primary, field.cloud.recovery])
      await one.volumes.remove(copiedParts(point)[0]!.snapshots[one.region]!);
    const error = await failure(finishIn(field, point.id));
    expect(error.details.join("\n")).toMatch(
      /eu-central-1: volume data-0 of db-0: there is nothing to copy from: .* is gone/,
    );
  });
});

describe("a database's snapshot", () => {
  it("is copied to every place too", async () => {
    const ledger = aDatabase();
    const field = await open(
      { regions: [further], account: { id: vaultId, role: "rekindle-vault" } },
      { databases: { ledger } },
    );
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    await new RDSClient({ endpoint: sandbox.endpoint, region: primary, credentials }).send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: databaseIdentifier("shop", "primary", "ledger"),
        Engine: "postgres",
        AllocatedStorage: 20,
        DBInstanceClass: "db.t3.medium",
        MasterUsername: "ledger",
        MasterUserPassword: "not-a-secret",
      }),
    );
    const point = await snapshotIn(field);
    expect(point.status).toBe("complete");
    const part = copiedParts(point).find(({ kind }) => kind === "database")!;
    for (const one of field.cloud.places) {
      const own = await credentialsIn(sandbox, one.place);
      const rds = new RDSClient({ endpoint: sandbox.endpoint, region: one.region, credentials: own });
      const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: "manual" }));
      expect(DBSnapshots!.map(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier)).toEqual([
        part.snapshots[one.place.name],
      ]);
    }
    // Run again, nothing is copied twice.
    expect((await finishIn(field, point.id))[0]?.status).toBe("complete");
  });
});

describe("a snapshot command that is killed", () => {
  const project = () => join(folder.path, "project");
  const rekindle = (...args: string[]) =>
    spawn(process.execPath, [resolve("bin/rekindle.js"), ...args], {
      cwd: project(),
      env: {
        ...process.env,
        AWS_ENDPOINT_URL: sandbox.endpoint,
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        REKINDLE_ENV: "shop",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });

  beforeAll(async () => {
    await mkdir(project(), { recursive: true });
    for (const name of ["configs", "cloud-init", "cdktf.json"])
      await cp(name, join(project(), name), { recursive: true });
  });
  afterAll(async () => await rm(project(), { recursive: true, force: true }));

  it("in the middle of its copies is finished by `rekindle copy`, which copies nothing twice", async () => {
    const roles = {
      web: { count: 2, instanceType: "t3.small" },
      db: { count: 1, instanceType: "t3.medium" },
    };
    const field = await testField(sandbox, aTopology({ roles }));
    await publishIn(field);
    await launchDatabaseServer(sandbox, field);
    const taking = rekindle("snapshot", "--allow-crash");
    const [begun] = await Promise.all([untilCopied(field), once(taking, "spawn")]);
    taking.kill("SIGKILL");
    await once(taking, "close");
    expect(await newest(field)).toMatchObject({ id: begun.point, status: "pending", faults: [] });

    // The lock of whoever was killed ends by itself.
    const finishing = rekindle("copy", "--json", "--wait", "3m");
    const output: string[] = [];
    finishing.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
    expect((await once(finishing, "close"))[0]).toBe(0);
    expect(JSON.parse(output.join(""))).toMatchObject([{ id: begun.point, status: "complete" }]);
    const copies = (await copiesIn(field.cloud.recovery, begun.point)).map(({ SnapshotId }) => SnapshotId);
    expect(copies).toHaveLength(2);
    expect(copies).toContain(begun.id);
    expect(await newest(field)).toMatchObject({ id: begun.point, status: "complete" });
  }, 240_000);
});

/** The first copy of a point that is under way in the recovery region, seen while it is. */
async function untilCopied(field: TestField, exceptOf?: string): Promise<{ id: string; point: string }> {
  const { clock } = field.shared;
  for (const since = clock.monotonic(); clock.monotonic() - since < 60_000; ) {
    const { ec2 } = clients(sandbox.endpoint, recovery);
    const Filters = [{ Name: "tag-key", Values: [tags.point] }];
    const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters }));
    for (const { SnapshotId, State, Tags } of Snapshots ?? []) {
      const point = Tags!.find(({ Key }) => Key === tags.point)!.Value!;
      if (State === "pending" && point !== exceptOf) return { id: SnapshotId!, point };
    }
    await clock.sleep(20);
  }
  throw new Error("nothing was copied");
}
