import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AutoScalingClient, CreateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import {
  CreateLaunchTemplateCommand,
  DescribeInstancesCommand,
  EC2Client,
  ImportKeyPairCommand,
  type Instance,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  CreateAccessKeyCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  CreateUserCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sandboxWithBodies } from "./gateway-with-bodies.ts";
import { launch, publicImage } from "./launch.ts";

const region = "eu-west-1";
const { engine, sandbox, aws } = sandboxWithBodies();

/** The way from one body to its metadata, as the engine's relay would carry it. */
let relay: Server;
let address = "";
beforeEach(async () => {
  relay = createServer((request, response) =>
    engine().surroundings.get(region)!.metadata(address, request, response),
  );
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
});
afterEach(() => relay.close());

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${(relay.address() as AddressInfo).port}${path}`, init);
  return { status: response.status, text: await response.text() };
}

async function newToken(ttl = "60") {
  const headers = { "X-aws-ec2-metadata-token-ttl-seconds": ttl };
  return await ask("/latest/api/token", { method: "PUT", headers });
}

/** Asks with a token of the instance's own. */
async function get(instance: Instance, path: string) {
  address = instance.PrivateIpAddress!;
  const token = (await newToken()).text;
  return await ask(path, { headers: { "X-aws-ec2-metadata-token": token } });
}

describe("the metadata service", () => {
  test("answers only whoever has a token, and each instance only with its own", async () => {
    const { ec2 } = aws();
    const one = await launch(ec2);
    const other = await launch(ec2);
    address = one.PrivateIpAddress!;
    expect((await ask("/latest/meta-data/")).status).toBe(401);
    const headers = { "X-aws-ec2-metadata-token": (await newToken()).text };
    expect(await ask("/latest/meta-data/instance-id", { headers })).toEqual({
      status: 200,
      text: one.InstanceId,
    });
    address = other.PrivateIpAddress!;
    expect((await ask("/latest/meta-data/instance-id", { headers })).status).toBe(401);
  });

  test.for(["", "0", "21601", "soon"])("gives no token for %s seconds", async (ttl) => {
    address = (await launch(aws().ec2)).PrivateIpAddress!;
    expect((await newToken(ttl)).status).toBe(400);
  });

  test("knows nobody at an address that no body has", async () => {
    const instance = await launch(aws().ec2);
    await aws().ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance.InstanceId!] }));
    expect((await get(instance, "/latest/meta-data/instance-id")).status).toBe(404);
  });
});

describe("meta-data", () => {
  test("can be walked from its listing down, in any version", async () => {
    const instance = await launch(aws().ec2);
    const walked: Record<string, string> = {};
    const walk = async (path: string) => {
      const { status, text } = await get(instance, `/2021-03-23/meta-data/${path}`);
      expect([path, status]).toEqual([path, 200]);
      if (path !== "" && !path.endsWith("/")) walked[path] = text;
      else for (const name of text.split("\n")) await walk(path + name);
    };
    await walk("");
    expect(walked).toMatchObject({
      "ami-id": publicImage,
      "instance-id": instance.InstanceId,
      "local-ipv4": instance.PrivateIpAddress,
      "placement/region": region,
      "services/partition": "aws",
    });
    const mac = instance.NetworkInterfaces![0]!.MacAddress!;
    expect(walked[`network/interfaces/macs/${mac}/local-ipv4s`]).toBe(instance.PrivateIpAddress);
  });

  test("has the key that the instance was launched with", async () => {
    const { ec2 } = aws();
    const PublicKeyMaterial = Buffer.from(
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVdUbZ6Wp9eQ6K2Wv6mUWh8mA0bYk0iU6m3sP6f5sQp operator",
    );
    await ec2.send(new ImportKeyPairCommand({ KeyName: "operator", PublicKeyMaterial }));
    const instance = await launch(ec2, { KeyName: "operator" });
    expect((await get(instance, "/latest/meta-data/public-keys/")).text).toBe("0=operator");
    const { text } = await get(instance, "/latest/meta-data/public-keys/0/openssh-key");
    expect(text.trim()).toBe(PublicKeyMaterial.toString());
  });

  test("has no entry that nobody made", async () => {
    const instance = await launch(aws().ec2);
    for (const path of ["iam/", "iam/security-credentials/", "public-keys/", "tags/", "nothing"])
      expect([path, (await get(instance, `/latest/meta-data/${path}`)).status]).toEqual([path, 404]);
  });
});

test("user-data is what the instance was launched with, byte by byte", async () => {
  const { ec2 } = aws();
  const sent = Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff, 0xfe, 0x0a]);
  const instance = await launch(ec2, { UserData: sent.toString("base64") });
  address = instance.PrivateIpAddress!;
  const headers = { "X-aws-ec2-metadata-token": (await newToken()).text };
  const { port } = relay.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/latest/user-data`, { headers });
  expect(Buffer.from(await response.arrayBuffer())).toEqual(sent);
  expect((await get(await launch(ec2), "/latest/user-data")).status).toBe(404);
});

test("the identity document names instance, image, region and account", async () => {
  const instance = await launch(aws().ec2);
  const { text } = await get(instance, "/latest/dynamic/instance-identity/document");
  expect(JSON.parse(text)).toMatchObject({
    accountId: "123456789012",
    instanceId: instance.InstanceId,
    imageId: publicImage,
    region,
    privateIp: instance.PrivateIpAddress,
  });
});

describe("an instance with a role", () => {
  const role = "web-role";
  async function profile() {
    const { iam } = aws();
    const trust = { Version: "2012-10-17", Statement: [] };
    const RoleName = role;
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
    const InstanceProfileName = "web-profile";
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName }));
    return { Name: InstanceProfileName };
  }

  async function callerOf(instance: Instance): Promise<string> {
    expect((await get(instance, "/latest/meta-data/iam/security-credentials/")).text).toBe(role);
    const { text } = await get(instance, `/latest/meta-data/iam/security-credentials/${role}`);
    const { AccessKeyId, SecretAccessKey, Token, Code } = JSON.parse(text);
    expect(Code).toBe("Success");
    const credentials = {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: Token,
    };
    const sts = new STSClient({ endpoint: sandbox().endpoint, region, credentials });
    return (await sts.send(new GetCallerIdentityCommand({}))).Arn!;
  }

  test("gets credentials of that role", async () => {
    const IamInstanceProfile = await profile();
    const instance = await launch(aws().ec2, { IamInstanceProfile });
    expect(await callerOf(instance)).toBe(
      `arn:aws:sts::123456789012:assumed-role/${role}/${instance.InstanceId}`,
    );
  });

  test("gets them too when Auto Scaling launched it from a template", async () => {
    const IamInstanceProfile = await profile();
    const LaunchTemplateData = {
      ImageId: publicImage,
      InstanceType: "t3.micro" as const,
      IamInstanceProfile,
    };
    await aws().ec2.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: "web", LaunchTemplateData }));
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const autoScaling = new AutoScalingClient({ endpoint: sandbox().endpoint, region, credentials });
    await autoScaling.send(
      new CreateAutoScalingGroupCommand({
        AutoScalingGroupName: "web",
        MinSize: 1,
        MaxSize: 1,
        AvailabilityZones: [`${region}a`],
        LaunchTemplate: { LaunchTemplateName: "web", Version: "1" },
      }),
    );
    const { id, address: PrivateIpAddress } = engine().machines[0]!;
    expect(await callerOf({ InstanceId: id, PrivateIpAddress })).toContain(`assumed-role/${role}/${id}`);
  });
});

test("where IAM is enforced, the gateway's own calls still work, and a server may do what its role says", async () => {
  const { iam, s3 } = aws();
  const Bucket = "bucket-of-the-role";
  const CreateBucketConfiguration = { LocationConstraint: region } as const;
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  await s3.send(new PutObjectCommand({ Bucket, Key: "mine", Body: "x" }));
  await s3.send(new PutObjectCommand({ Bucket, Key: "yours", Body: "x" }));
  const allow = (Action: string, Resource: string) =>
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource }] });
  const RoleName = "server";
  const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  const PolicyDocument = allow("s3:GetObject", `arn:aws:s3:::${Bucket}/mine`);
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "own", PolicyDocument }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "server" }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: "server", RoleName }));
  await iam.send(new CreateUserCommand({ UserName: "admin" }));
  const everything = { UserName: "admin", PolicyName: "all", PolicyDocument: allow("*", "*") };
  await iam.send(new PutUserPolicyCommand(everything));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "admin" }));

  await fetch(`${sandbox().endpoint}/moto-api/reset-auth`, { method: "POST", body: "0" });
  const { endpoint } = sandbox();
  const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
  const ec2 = new EC2Client({ endpoint, region, credentials, maxAttempts: 1 });
  const server = await launch(ec2, { IamInstanceProfile: { Name: "server" } });
  expect(engine().machines).toMatchObject([{ id: server.InstanceId }]);
  const said = JSON.parse((await get(server, "/latest/meta-data/iam/security-credentials/server")).text);
  const own = new S3Client({
    endpoint,
    region,
    maxAttempts: 1,
    forcePathStyle: true,
    credentials: {
      accessKeyId: said.AccessKeyId,
      secretAccessKey: said.SecretAccessKey,
      sessionToken: said.Token,
    },
  });
  await own.send(new GetObjectCommand({ Bucket, Key: "mine" }));
  await expect(own.send(new GetObjectCommand({ Bucket, Key: "yours" }))).rejects.toMatchObject({
    name: "AccessDenied",
  });
  await expect(aws().ec2.send(new DescribeInstancesCommand({}))).rejects.toThrow();
  await sandbox().reset();
  await aws().ec2.send(new DescribeInstancesCommand({}));
});
