import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { awsOfOneServer } from "../../../sandbox/stage/aws.ts";

const reports: string[] = [];
const refused: string[] = [];
let server: Server;
let endpoint: string;
const config = () => ({
  endpoint,
  region: "eu-west-1",
  credentials: { accessKeyId: "A", secretAccessKey: "B" },
  maxAttempts: 1,
});

beforeAll(async () => {
  const provisions = {
    objects: new Map([["bucket/releases/r/manifest.json", Buffer.from("{}")]]),
    parameters: new Map([["/shop/password", "random"]]),
    secrets: new Map<string, string>(),
  };
  const listener = {
    reported: (report: string) => void reports.push(report),
    refused: (call: string) => void refused.push(call),
  };
  server = createServer(awsOfOneServer(provisions, listener));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

describe("the AWS of one rehearsed server", () => {
  it("has the release's objects and the parameters, and says what it does not have", async () => {
    const s3 = new S3Client({ ...config(), forcePathStyle: true });
    const ssm = new SSMClient(config());
    const key = { Bucket: "bucket", Key: "releases/r/manifest.json" };
    expect(await (await s3.send(new GetObjectCommand(key))).Body!.transformToString()).toBe("{}");
    await expect(s3.send(new GetObjectCommand({ ...key, Key: "other" }))).rejects.toMatchObject({
      name: "NoSuchKey",
    });
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: "/shop/password" }));
    expect(Parameter?.Value).toBe("random");
    await expect(ssm.send(new GetParameterCommand({ Name: "/other" }))).rejects.toMatchObject({
      name: "ParameterNotFound",
    });
  });

  it("takes the boot's report, and refuses all else by name", async () => {
    const s3 = new S3Client({ ...config(), forcePathStyle: true });
    await s3.send(new PutObjectCommand({ Bucket: "bucket", Key: "reports/web/web-i-1.json", Body: "told" }));
    expect(reports).toEqual([expect.stringContaining("told")]);
    const put = new PutObjectCommand({ Bucket: "bucket", Key: "releases/r/manifest.json", Body: "other" });
    await expect(s3.send(put)).rejects.toMatchObject({ name: "NotImplemented" });
    const describe = new EC2Client(config()).send(new DescribeInstancesCommand({}));
    await expect(describe).rejects.toMatchObject({ name: "NotImplemented" });
    expect(refused).toEqual(["s3 PutObject", "ec2 DescribeInstances"]);
  });
});
