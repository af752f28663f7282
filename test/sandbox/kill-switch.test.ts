import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { clients } from "./clients.ts";
import { runningSandbox } from "./gateway.ts";

const lost = "eu-west-1";
const healthy = "eu-central-1";
const sandbox = runningSandbox();

const inRegion = (region: string) => clients(sandbox().endpoint, region);
const look = (region: string) => inRegion(region).ec2.send(new DescribeVpcsCommand({}));
const lookBriefly = (region: string) =>
  clients(sandbox().endpoint, region, 500).ec2.send(new DescribeVpcsCommand({}));
const lostCalls = async () =>
  (await sandbox().requestsSince(0)).requests.filter(({ outcome }) => outcome === "lost");

async function makeBucket(name: string, region: string): Promise<void> {
  await inRegion(region).s3.send(
    new CreateBucketCommand({
      Bucket: name,
      CreateBucketConfiguration: { LocationConstraint: region as "eu-west-1" },
    }),
  );
  await inRegion(region).s3.send(new PutObjectCommand({ Bucket: name, Key: "a/b.txt", Body: "kept" }));
}

describe("a lost region", () => {
  test("that refuses resets every connection at once", async () => {
    await sandbox().loseRegion(lost, "refused");
    await expect(look(lost)).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("that times out never answers", async () => {
    await sandbox().loseRegion(lost, "timeout");
    await expect(lookBriefly(lost)).rejects.toMatchObject({ name: "TimeoutError" });
  });

  test("leaves the other regions alone", async () => {
    await sandbox().loseRegion(lost, "refused");
    expect((await look(healthy)).Vpcs).toHaveLength(1);
  });

  test("answers again when it is restored", async () => {
    await sandbox().loseRegion(lost, "refused");
    await sandbox().restoreRegion(lost);
    expect((await look(lost)).Vpcs).toHaveLength(1);
  });

  test("resets what still waits in it when it is restored", async () => {
    await sandbox().loseRegion(lost, "timeout");
    const waiting = expect(look(lost)).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect.poll(async () => (await lostCalls()).length).toBe(1);
    await sandbox().restoreRegion(lost);
    await waiting;
  });

  test("is in the log with every call that needed it, although nobody answered", async () => {
    await sandbox().loseRegion(lost, "timeout");
    await expect(lookBriefly(lost)).rejects.toThrow();
    expect(await lostCalls()).toMatchObject([
      { service: "ec2", action: "DescribeVpcs", region: lost, status: 0 },
    ]);
  });
});

describe("a bucket in a lost region", () => {
  test("cannot be read through another region", async () => {
    await makeBucket("of-the-lost", lost);
    await sandbox().loseRegion(lost, "refused");
    const read = inRegion(healthy).s3.send(new GetObjectCommand({ Bucket: "of-the-lost", Key: "a/b.txt" }));
    await expect(read).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(await lostCalls()).toMatchObject([{ action: "GetObject", region: lost }]);
  });

  test("cannot be copied from", async () => {
    await makeBucket("of-the-lost", lost);
    await makeBucket("of-the-healthy", healthy);
    await sandbox().loseRegion(lost, "refused");
    const copy = inRegion(healthy).s3.send(
      new CopyObjectCommand({ Bucket: "of-the-healthy", Key: "c", CopySource: "/of-the-lost/a/b.txt" }),
    );
    await expect(copy).rejects.toMatchObject({
      name: "InvalidRequest",
      message: expect.stringContaining(`region ${lost} is lost`),
    });
  });

  test("leaves the buckets of other regions readable", async () => {
    await makeBucket("of-the-healthy", healthy);
    await sandbox().loseRegion(lost, "refused");
    const read = await inRegion(healthy).s3.send(
      new GetObjectCommand({ Bucket: "of-the-healthy", Key: "a/b.txt" }),
    );
    expect(await read.Body?.transformToString()).toBe("kept");
    expect((await inRegion(healthy).s3.send(new ListBucketsCommand({}))).Buckets).toHaveLength(1);
  });
});
