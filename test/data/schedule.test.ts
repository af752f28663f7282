import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CreateSnapshotCommand, CreateVolumeCommand } from "@aws-sdk/client-ec2";
import { CreateDBInstanceCommand } from "@aws-sdk/client-rds";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished } from "vitest";
import { takeSnapshot } from "../../bootstrap/commands/snapshot.ts";
import { databaseIdentifier, tags } from "../../bootstrap/config/names.ts";
import { awsHoldings } from "../../bootstrap/edges/aws/holdings.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { gitHistory } from "../../bootstrap/edges/git-bundle.ts";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { gitBundle } from "../../bootstrap/history/git-bundles.ts";
import { snapshotAccess } from "../../stacks/foundation/schedule/schedule-access.ts";
import { snapshotBuildspec } from "../../stacks/foundation/schedule/snapshot-buildspec.ts";
import { account, aDatabase, aTopology, primary, recovery } from "../builders.ts";
import { launchDatabaseServer, publishIn, testField } from "../commands/field.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";

const sandbox = runningSandbox();
const bucket = "rekindle-shop-123456789012-eu-west-1";
const hasAws = succeeded(await run("aws", ["--version"]));

/** A project whose `rekindle` only writes down how it was called: what it does is other tests' matter. */
const project = {
  "package.json": JSON.stringify({ name: "rekindle", version: "1.0.0", bin: { rekindle: "rekindle.js" } }),
  "package-lock.json": JSON.stringify({
    name: "rekindle",
    version: "1.0.0",
    lockfileVersion: 3,
    packages: { "": { name: "rekindle", version: "1.0.0", bin: { rekindle: "rekindle.js" } } },
  }),
  "rekindle.js":
    '#!/usr/bin/env node\nrequire("node:fs").writeFileSync(process.env.CALLED, process.argv.slice(2).join(" "));\n',
};

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "rekindle-build-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
  const finished = await run("git", [...identity, ...args], { cwd });
  if (!succeeded(finished)) throw new Error(finished.stderr);
  return finished.stdout.trim();
}

/** Two commits, each published as a bundle on top of the one before, and the pointer at one of them. */
async function publish(): Promise<{ first: string; second: string; point(commit: string): Promise<void> }> {
  const { s3 } = clients(sandbox().endpoint, primary);
  await s3.send(
    new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: primary } }),
  );
  const root = await folder();
  await git(root, "init", "--quiet", "--initial-branch=main");
  for (const [name, text] of Object.entries(project)) await writeFile(join(root, name), text);
  await git(root, "add", ".");
  await git(root, "commit", "--quiet", "-m", "first");
  const first = await git(root, "rev-parse", "HEAD");
  await writeFile(join(root, "second"), "");
  await git(root, "add", ".");
  await git(root, "commit", "--quiet", "-m", "second");
  const second = await git(root, "rev-parse", "HEAD");
  const history = gitHistory(root);
  const put = (Key: string, Body: Buffer | string) =>
    s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  await put(gitBundle(1, first).key, await history.bundle(first, []));
  await put(gitBundle(2, second).key, await history.bundle(second, [first]));
  return {
    first,
    second,
    point: async (commit) => void (await put("current.json", JSON.stringify({ version: 1, commit }))),
  };
}

/** As CodeBuild does: what lies below `git/` is the folder that the commands begin in, and one shell runs them all. */
async function build(): Promise<{ code: number | undefined; output: string; called: string; at: string }> {
  const { s3 } = clients(sandbox().endpoint, primary);
  const source = await folder();
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "git/" }));
  for (const { Key } of Contents) {
    const path = join(source, Key!.slice("git/".length));
    await mkdir(dirname(path), { recursive: true });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: Key! }));
    await writeFile(path, await Body!.transformToByteArray());
  }
  const called = join(await folder(), "called");
  const { commands } = JSON.parse(snapshotBuildspec).phases.build as { commands: string[] };
  const { ending, stdout, stderr } = await run("sh", ["-c", commands.join("\n")], {
    cwd: source,
    env: {
      ...process.env,
      CALLED: called,
      REKINDLE_ENV: "shop",
      REKINDLE_BUCKET: bucket,
      AWS_ENDPOINT_URL: sandbox().endpoint,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_DEFAULT_REGION: primary,
    },
  });
  return {
    code: ending.kind === "exited" ? ending.code : undefined,
    output: stdout + stderr,
    called: await readFile(called, "utf8").catch(() => ""),
    at: await git(join(source, "project"), "rev-parse", "HEAD").catch(() => ""),
  };
}

describe.skipIf(!hasAws)("the build of a scheduled recovery point (needs the AWS command line)", () => {
  it("runs the snapshot of the commit that is live, whatever was published after it", async () => {
    const { first, second, point } = await publish();
    await point(second);
    expect(await build()).toMatchObject({ code: 0, called: "snapshot --env shop", at: second });
    await point(first);
    expect(await build()).toMatchObject({ code: 0, called: "snapshot --env shop", at: first });
  });

  it("fails, with no snapshot, when the live commit is in no bundle", async () => {
    const { point } = await publish();
    await point("f".repeat(40));
    const { code, called } = await build();
    expect(code).not.toBe(0);
    expect(called).toBe("");
  });
});

/** What IAM calls what S3 calls otherwise. */
const s3Actions: Record<string, string> = {
  HeadBucket: "ListBucket",
  ListObjectsV2: "ListBucket",
  HeadObject: "GetObject",
};

it("the role of the build may do all that a snapshot calls", async () => {
  const database = aDatabase();
  const field = await testField(sandbox(), aTopology({ databases: { ledger: database } }));
  await publishIn(field);
  await launchDatabaseServer(sandbox(), field);
  const { rds } = clients(sandbox().endpoint, primary);
  await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: databaseIdentifier("shop", "primary", "ledger"),
      DBInstanceClass: database.instanceClass,
      Engine: database.engine,
      AllocatedStorage: database.storageGiB,
      MasterUsername: "ledger",
      MasterUserPassword: "a-password",
    }),
  );
  const { next } = await sandbox().requestsSince(0);
  await takeSnapshot({ ...field.shared, primary: field.cloud.primary, recovery: field.cloud.recovery });
  const { requests } = await sandbox().requestsSince(next);

  const sites = [primary, recovery].map((region) => ({ region, bucket: "b", keyArn: "k" }));
  const allowed = snapshotAccess({
    environment: "shop",
    account,
    region: primary,
    sites,
    vaultRoles: [],
  }).Statement.flatMap(({ Action }) => Action);
  const called = requests
    // Everyone may ask who they are.
    .filter(({ service }) => service !== "sts")
    .map(({ service, action }) => `${service}:${(service === "s3" && s3Actions[action]) || action}`);
  expect([...new Set(called)].filter((action) => !allowed.includes(action)).sort()).toEqual([]);
  expect(called).toEqual(
    expect.arrayContaining(["ec2:CreateSnapshots", "rds:CopyDBSnapshot", "s3:PutObject"]),
  );
});

it("what AWS Backup and DLM have made of a volume, with its tags, is none of the environment's own", async () => {
  const { ec2 } = clients(sandbox().endpoint, recovery);
  const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${recovery}a`, Size: 1 }));
  const snapshot = async (more: Record<string, string>) => {
    const Tags = Object.entries({ [tags.environment]: "shop", ...more }).map(([Key, Value]) => ({
      Key,
      Value,
    }));
    const made = await ec2.send(
      new CreateSnapshotCommand({ VolumeId, TagSpecifications: [{ ResourceType: "snapshot", Tags }] }),
    );
    return made.SnapshotId!;
  };
  const own = await snapshot({});
  await snapshot({ "aws:backup:source-resource": "arn:aws:ec2:eu-central-1:123456789012:volume/vol-1" });
  await snapshot({ "aws:dlm:lifecycle-policy-id": "policy-1" });
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const access = { endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) };
  const found: string[] = [];
  for await (const page of awsHoldings(access, recovery).snapshots("shop"))
    found.push(...page.map(({ id }) => id));
  expect(found).toEqual([own]);
});
