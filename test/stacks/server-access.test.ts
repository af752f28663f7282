import {
  CreateTagsCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../bootstrap/edges/process.ts";
import { type Sandbox, startSandbox } from "../../bootstrap/edges/sandbox.ts";
import { serverAccess } from "../../stacks/foundation/server-access.ts";
import { gatewayFolder } from "../sandbox/gateway.ts";

const region = "eu-central-1";
const account = "123456789012";
const bucket = `rekindle-shop-${account}-${region}`;
const folder = gatewayFolder();
const administrator = { accessKeyId: "test", secretAccessKey: "test" };
/** Calls of a server of role `app`: with the keys of a user who has its role's policy, in place of an instance's. */
let server: ReturnType<typeof clientsOf>;
let keys = administrator;
let sandbox: Sandbox;
const versions: Record<string, string> = {};
const instances: Record<string, string> = {};

function clientsOf(credentials: typeof administrator) {
  const config = { endpoint: sandbox.endpoint, region, credentials, maxAttempts: 1 };
  return {
    s3: new S3Client({ ...config, forcePathStyle: true }),
    ssm: new SSMClient(config),
    ec2: new EC2Client(config),
    iam: new IAMClient(config),
  };
}

/** From now on the emulator asks IAM about every call. */
async function enforceIam(): Promise<void> {
  const answer = await fetch(`${sandbox.endpoint}/moto-api/reset-auth`, { method: "POST", body: "0" });
  expect(answer.status).toBe(200);
}

/** By boto3, which is where moto is: the project itself has no use for a client of Secrets Manager. */
async function secrets(call: string, credentials = administrator): Promise<string> {
  const session = `aws_access_key_id="${credentials.accessKeyId}", aws_secret_access_key="${credentials.secretAccessKey}"`;
  const client = `boto3.client("secretsmanager", endpoint_url="${sandbox.endpoint}", region_name="${region}", ${session})`;
  const { stdout, stderr } = await run("python3", ["-c", `import boto3; print(${client}.${call})`]);
  return stdout + stderr;
}

beforeAll(async () => {
  sandbox = await startSandbox(folder.options({ moto: ["python3", "test/stacks/moto-with-arns.py"] }));
  const { s3, ssm, ec2, iam } = clientsOf(administrator);
  const CreateBucketConfiguration = { LocationConstraint: region } as const;
  await s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  for (const Key of [
    "bundles/app/a.tar.gz",
    "bundles/db/a.tar.gz",
    "releases/r/manifest.json",
    "current.json",
  ]) {
    versions[Key] = (await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }))).VersionId!;
  }
  for (const path of ["shop/app/mail", "shop/db/mail", "other/app/mail", "shop/primary/databases/x/endpoint"])
    await ssm.send(new PutParameterCommand({ Name: `/rekindle/${path}`, Value: path, Type: "String" }));
  for (const role of ["app", "db"])
    await secrets(`create_secret(Name="rekindle/${role}/key", SecretString="s")`);

  const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ["amazon"] }));
  for (const role of ["app", "db"]) {
    const Tags = [
      { Key: "rekindle:environment", Value: "shop" },
      { Key: "rekindle:role", Value: role },
    ];
    const launched = await ec2.send(
      new RunInstancesCommand({
        ImageId: Images![0]!.ImageId!,
        MinCount: 1,
        MaxCount: 1,
        TagSpecifications: [{ ResourceType: "instance", Tags }],
      }),
    );
    instances[role] = launched.Instances![0]!.InstanceId!;
  }

  await iam.send(new CreateUserCommand({ UserName: "server" }));
  const access = serverAccess({
    environment: "shop",
    account,
    role: "app",
    sites: [
      { region, bucket, keyArn: `arn:aws:kms:${region}:${account}:key/k`, databases: [], clusters: [] },
    ],
  });
  const PolicyDocument = JSON.stringify(access);
  await iam.send(new PutUserPolicyCommand({ UserName: "server", PolicyName: "server", PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "server" }));
  keys = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
  server = clientsOf(keys);
  await enforceIam();
}, 120_000);

afterAll(async () => {
  await sandbox?.stop();
});

const get = (Key: string, VersionId?: string) =>
  server.s3.send(new GetObjectCommand({ Bucket: bucket, Key, ...(VersionId ? { VersionId } : {}) }));
const put = (Key: string) => server.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "{}" }));
const parameter = (path: string) => server.ssm.send(new GetParameterCommand({ Name: `/rekindle/${path}` }));
const tag = (role: string, Key: string) =>
  server.ec2.send(new CreateTagsCommand({ Resources: [instances[role]!], Tags: [{ Key, Value: "x" }] }));

describe("a server of role app, where IAM is enforced,", () => {
  it.each(["bundles/app/a.tar.gz", "releases/r/manifest.json"])("reads %s, pinned or not", async (key) => {
    expect(await (await get(key)).Body!.transformToString()).toBe(key);
    expect(await (await get(key, versions[key])).Body!.transformToString()).toBe(key);
  });

  it.each(["bundles/db/a.tar.gz", "current.json"])("does not read %s, pinned or not", async (key) => {
    await expect(get(key)).rejects.toMatchObject({ name: "AccessDenied" });
    await expect(get(key, versions[key])).rejects.toMatchObject({ name: "AccessDenied" });
  });

  it("writes reports of its own role, and neither others' nor any other object", async () => {
    await put("reports/app/app-0-i-1.json");
    for (const key of [
      "reports/db/db-0-i-1.json",
      "bundles/app/a.tar.gz",
      "releases/r/manifest.json",
      "current.json",
    ])
      await expect(put(key), key).rejects.toMatchObject({ name: "AccessDenied" });
  });

  it("neither lists nor deletes", async () => {
    const listing = server.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "bundles/app/" }));
    await expect(listing).rejects.toMatchObject({ name: "AccessDenied" });
    const deletion = new DeleteObjectCommand({ Bucket: bucket, Key: "bundles/app/a.tar.gz" });
    await expect(server.s3.send(deletion)).rejects.toMatchObject({ name: "AccessDenied" });
  });

  it("reads its role's parameters and the databases' endpoints, and no other's", async () => {
    expect((await parameter("shop/app/mail")).Parameter?.Value).toBe("shop/app/mail");
    await parameter("shop/primary/databases/x/endpoint");
    // The emulator refuses in XML, which is not SSM's language, so only the status can be told.
    const refusal = { $metadata: { httpStatusCode: 403 } };
    for (const path of ["shop/db/mail", "other/app/mail"])
      await expect(parameter(path), path).rejects.toMatchObject(refusal);
  });

  it("reads its role's secrets, and no other's", async () => {
    expect(await secrets('get_secret_value(SecretId="rekindle/app/key")["SecretString"]', keys)).toBe("s\n");
    expect(await secrets('get_secret_value(SecretId="rekindle/db/key")', keys)).toContain("AccessDenied");
  });

  it("tags instances of its role with its release and its boot, and with nothing else", async () => {
    await tag("app", "rekindle:boot");
    await tag("app", "rekindle:release");
    const refused = [
      ["app", "rekindle:role"],
      ["app", "Name"],
      ["db", "rekindle:boot"],
    ] as const;
    for (const [role, key] of refused)
      await expect(tag(role, key)).rejects.toThrow(/not authorized|UnauthorizedOperation/);
    const describing = server.ec2.send(new DescribeInstancesCommand({}));
    await expect(describing).rejects.toThrow(/not authorized|UnauthorizedOperation/);
  });

  it("is known by its signature: another secret key opens nothing", async () => {
    const forged = clientsOf({ ...keys, secretAccessKey: "forged" });
    const reading = forged.s3.send(new GetObjectCommand({ Bucket: bucket, Key: "bundles/app/a.tar.gz" }));
    await expect(reading).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });
  });
});
