import {
  CreateVpcCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
} from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  RemoveRoleFromInstanceProfileCommand,
} from "@aws-sdk/client-iam";
import { DisableKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { beforeEach, describe, expect, it } from "vitest";
import { takeSnapshot } from "../../bootstrap/commands/snapshot.ts";
import { environmentStatus, type StatusContext } from "../../bootstrap/commands/status.ts";
import { instanceProfile } from "../../bootstrap/config/names.ts";
import { awsCapacity } from "../../bootstrap/edges/aws/capacity.ts";
import { awsPermissions } from "../../bootstrap/edges/aws/permissions.ts";
import { recoveryParts } from "../../bootstrap/edges/aws/recovery-parts.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import type { CloudRegion } from "../../bootstrap/edges/cloud.ts";
import { keepGameDay, newestKeptGameDay } from "../../bootstrap/edges/gameday-records.ts";
import { run } from "../../bootstrap/edges/process.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { aTopology, primary, recovery } from "../builders.ts";
import { bakeIn, launchDatabaseServer, publishIn, type TestField, testField } from "../commands/field.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { aStoredDump } from "./stored-dump.ts";

const sandbox = runningSandbox();
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
let field: TestField;

beforeEach(async () => {
  field = await testField(sandbox(), aTopology());
  await field.cloud.ensureStateBucket();
  await publishIn(field);
  await bakeIn(field);
  await launchDatabaseServer(sandbox(), field);
  await takeSnapshot({ ...field.shared, primary: field.cloud.primary, recovery: field.cloud.recovery });
  const { iam } = clients(sandbox().endpoint, recovery);
  for (const role of ["web", "db"]) {
    const name = instanceProfile("shop", role);
    await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: "{}" }));
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
  }
});

/** The status of the field, as the entry point wires it. */
async function status(changes: Partial<StatusContext> = {}) {
  const access = { endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) };
  const connect = (one: CloudRegion) => ({
    ...one,
    parts: recoveryParts(access, one.region),
    capacity: awsCapacity(access, one.region),
    permissions: awsPermissions(access, one.region),
    rehearsed: () => newestKeptGameDay(one.catalog.store),
  });
  const { cloud, topology } = field;
  const found = await environmentStatus({
    topology,
    regions: [cloud.recovery, cloud.primary].map(connect),
    rebuildIn: recovery,
    state: cloud.state,
    rehearsedHere: async () => undefined,
    clock: systemClock,
    ...changes,
  });
  const checks = found.status.regions[0]!.recovery!.checks;
  return { ...found, checks, check: (name: string) => checks.find((one) => one.name === name) };
}

const there = () => clients(sandbox().endpoint, recovery);

describe("the status of an environment that could be rebuilt", () => {
  it("passes all that the emulator can tell, and says of the rest that nobody could look", async () => {
    const { next } = await sandbox().requestsSince(0);
    const { status: found, checks, told } = await status();
    const { requests } = await sandbox().requestsSince(next);
    expect(Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]))).toEqual({
      plan: "passed",
      images: "passed",
      snapshots: "passed",
      keys: "passed",
      "permissions by dry run": "passed",
      "permissions by IAM": "could-not-look",
      "instance types": "passed",
      "quota of vCPUs of standard instances": "could-not-look",
      "quota of VPCs": "passed",
      "quota of Elastic IP addresses": "could-not-look",
      "address range": "passed",
      state: "passed",
    });
    expect(found.regions.map(({ region, dataSets }) => [region, dataSets[0]!.outcome])).toEqual([
      [recovery, "passed"],
      [primary, "passed"],
    ]);
    expect(found.outcome).toBe("could-not-look");
    expect(told.kind).toBe("seen");
    // It makes nothing, and asks a bounded number of times.
    expect(requests.length).toBeLessThan(60);
    const made = requests.filter(
      ({ action, status: code }) => /^(Create|Put|Run|Allocate|Delete)/.test(action) && code < 400,
    );
    expect(made).toEqual([]);
  });

  it("knows the last rehearsal by the catalog", async () => {
    const record = {
      version: 1 as const,
      id: "shop-20261124t030000-ab12",
      environment: "shop",
      commit: "a".repeat(40),
      engine: "box",
      startedAt: "2026-11-24T03:00:00.000Z",
      verdict: "passed" as const,
      reasons: [],
      rtoSeconds: 412,
      rpo: [],
      objectives: { rpoSeconds: 3600, rtoSeconds: 900 },
    };
    expect((await status()).status.rehearsal.check.outcome).toBe("could-not-look");
    await keepGameDay(field.cloud.primary.catalog.store, record);
    const { rehearsal } = (await status()).status;
    expect(rehearsal).toMatchObject({
      check: { outcome: "passed" },
      last: { record, kept: `the catalog in ${primary}` },
    });
  });
});

it("finds each fault by its own check, and takes none for another's", async () => {
  const { ec2, iam, s3 } = there();
  const kms = new KMSClient({ endpoint: sandbox().endpoint, region: recovery, credentials });
  const key = await field.cloud.account.keyArn(recovery, "alias/rekindle-shop");
  await kms.send(new DisableKeyCommand({ KeyId: key.split("/").at(-1)! }));
  const { Snapshots } = await ec2.send(
    new DescribeSnapshotsCommand({ Filters: [{ Name: "tag:rekindle:server", Values: ["db-0"] }] }),
  );
  const snapshot = Snapshots![0]!.SnapshotId!;
  await ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot }));
  const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ["self"] }));
  const image = Images![0]!.ImageId!;
  await ec2.send(new DeregisterImageCommand({ ImageId: image }));
  for (const CidrBlock of ["10.20.0.0/16", "10.51.0.0/16", "10.52.0.0/16", "10.53.0.0/16"])
    await ec2.send(new CreateVpcCommand({ CidrBlock }));
  const Body = JSON.stringify({ ID: "1", Who: "ann@host", Operation: "OperationTypeApply", Created: "now" });
  await s3.send(
    new PutObjectCommand({ Bucket: field.cloud.state.bucket, Key: "recovery-stack.tfstate.tflock", Body }),
  );
  const name = instanceProfile("shop", "web");
  await iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
  await iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: name }));

  const failed = (await status()).checks.filter(({ outcome }) => outcome === "failed");
  expect(Object.fromEntries(failed.map(({ name, found }) => [name, found]))).toEqual({
    images: `1 of 2 are not available: ${image} is gone`,
    snapshots: `1 of 2 are not completed: ${snapshot} is gone`,
    keys: `${key}: it is Disabled`,
    "permissions by dry run": expect.stringContaining("RunInstances of web: "),
    "quota of VPCs": "1 needed, 5 of 5 in use",
    "address range": expect.stringMatching(/^10\.20\.0\.0\/16 overlaps vpc-\w+ \(10\.20\.0\.0\/16\)$/),
    state: "locked by ann@host (OperationTypeApply since now)",
  });
});

describe("when something does not answer", () => {
  it("a lost primary region hides nothing of the recovery region, and is not taken for well", async () => {
    await sandbox().loseRegion(primary, "refused");
    const { status: found, check } = await status();
    expect(found.regions.map(({ dataSets }) => dataSets[0]!.outcome)).toEqual(["passed", "could-not-look"]);
    expect(check("plan")?.outcome).toBe("passed");
    expect(check("snapshots")?.outcome).toBe("passed");
  });

  it("a lost recovery region leaves no check passed", async () => {
    await sandbox().loseRegion(recovery, "refused");
    const { status: found, checks } = await status();
    expect(found.regions[0]!.dataSets[0]!.outcome).toBe("could-not-look");
    expect(new Set(checks.map(({ outcome }) => outcome))).toEqual(new Set(["could-not-look"]));
  });
});

it("tells of each dump, by its own objective or the environment's", async () => {
  const source = { engine: "postgres", from: { host: "db" } };
  const environment = { dumps: { main: { ...source, rpo: "4h" }, spare: source } };
  const topology = aTopology(environment);
  const catalogs = [field.cloud.recovery, field.cloud.primary].map(({ catalog }) => catalog);
  const hoursAgo = (hours: number) => new Date(systemClock.now().getTime() - hours * 3_600_000).toISOString();
  const main = await aStoredDump(catalogs, "main", hoursAgo(3));
  await aStoredDump(catalogs.slice(1), "spare", hoursAgo(3));
  const { regions } = (await status({ topology })).status;
  const told = (index: number) =>
    regions[index]!.dataSets.slice(1).map(({ name, outcome, rpoSeconds, newest }) => [
      name,
      outcome,
      rpoSeconds,
      newest?.point,
    ]);
  expect(told(0)).toEqual([
    ["dump main", "passed", 14_400, main.id],
    ["dump spare", "failed", 3600, undefined],
  ]);
  expect(told(1)[1]).toEqual(["dump spare", "failed", 3600, expect.stringContaining("-spare")]);
});

it("ages are by AWS's clock, whatever this machine's says, and its error is told", async () => {
  const ahead = 3 * 3600 * 1000;
  const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + ahead) };
  const { status: found, told } = await status({ clock });
  expect(found.regions[0]!.dataSets[0]).toMatchObject({ outcome: "passed" });
  expect(found.regions[0]!.dataSets[0]!.newest!.ageSeconds).toBeLessThan(60);
  expect(told.kind === "seen" && Math.round(told.value.aheadSeconds / 60)).toBe(180);
});

describe("rekindle status", () => {
  const program = (...args: string[]) =>
    run(process.execPath, ["bin/rekindle.js", "status", "--env", "shop", ...args], {
      env: {
        ...process.env,
        AWS_ENDPOINT_URL: sandbox().endpoint,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      },
    });

  it("prints what it found in three forms, and exits 1 when a check failed", async () => {
    // The example has one role more than the field's release.
    const forPeople = await program();
    expect(forPeople.stdout).toContain(`passed: data of db-0 in ${recovery}`);
    expect(forPeople.stdout).toContain("FAILED: plan: ");
    expect(forPeople.ending).toEqual({ kind: "exited", code: 1 });
    const json = await program("--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, outcome: "failed" });
    const prometheus = await program("--prometheus");
    expect(prometheus.stdout).toMatch(
      new RegExp(
        `^rekindle_recovery_point_age_seconds\\{environment="shop",region="${recovery}",data_set="db-0"\\} \\d`,
        "m",
      ),
    );
    expect(prometheus.stdout).toContain(
      `rekindle_recovery_possible{environment="shop",region="${recovery}"} 0`,
    );
  });
});
