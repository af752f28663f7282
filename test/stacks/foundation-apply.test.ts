import { DescribeKeyCommand, GetPublicKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  DeleteObjectCommand,
  GetBucketLoggingCommand,
  GetBucketReplicationCommand,
  GetObjectLockConfigurationCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { logBucket, siteBucket } from "../../bootstrap/config/names.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { account, everySchedule, foundationScheduled, foundationWith } from "./builder.ts";
import { terraformOn } from "./terraform.ts";

const sandbox = runningSandbox();
const regions = ["eu-central-1", "eu-west-1"];
const key = { accessKeyId: "test", secretAccessKey: "test" };

describe("a foundation with every protection, applied to the emulator", () => {
  it("locks, logs and replicates the buckets, and can sign in each region", {
    timeout: 180_000,
  }, async () => {
    const stack = foundationWith({ retention: { mode: "governance", days: 30 }, replicate: true });
    const terraform = await terraformOn(stack, {
      AWS_ENDPOINT_URL: sandbox().endpoint,
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    });
    const applied = await terraform("apply", "-auto-approve", "-input=false");
    expect(applied.output).toContain("Apply complete!");
    for (const region of regions) {
      const { s3 } = clients(sandbox().endpoint, region);
      const Bucket = siteBucket("shop", account, region);
      const lock = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
      expect(lock.ObjectLockConfiguration?.Rule?.DefaultRetention).toMatchObject({
        Mode: "GOVERNANCE",
        Days: 30,
      });
      const { LoggingEnabled } = await s3.send(new GetBucketLoggingCommand({ Bucket }));
      expect(LoggingEnabled?.TargetBucket).toBe(logBucket("shop", account, region));
      const copies = await s3.send(new GetBucketReplicationCommand({ Bucket }));
      const other = regions.find((candidate) => candidate !== region)!;
      expect(copies.ReplicationConfiguration?.Rules?.map(({ Destination }) => Destination?.Bucket)).toEqual([
        `arn:aws:s3:::${siteBucket("shop", account, other)}`,
        `arn:aws:s3:::${siteBucket("shop", account, other)}`,
      ]);

      const put = await s3.send(new PutObjectCommand({ Bucket, Key: "bundles/a", Body: "a" }));
      const version = { Bucket, Key: "bundles/a", VersionId: put.VersionId! };
      await expect(s3.send(new DeleteObjectCommand(version))).rejects.toMatchObject({ name: "AccessDenied" });

      const kms = new KMSClient({ endpoint: sandbox().endpoint, region, credentials: key });
      const KeyId = "alias/rekindle-shop-signing";
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
      expect(KeyMetadata).toMatchObject({ KeyUsage: "SIGN_VERIFY", KeySpec: "ECC_NIST_P256" });
      expect((await kms.send(new GetPublicKeyCommand({ KeyId }))).PublicKey).toBeDefined();
    }
  });
});

describe("a foundation with every schedule, applied to the emulator", () => {
  it("is taken as it is by every service, changes nothing when applied again, and goes away", {
    timeout: 300_000,
  }, async () => {
    const protection = { retention: { mode: "governance" as const, days: 30 }, replicate: false };
    const terraform = await terraformOn(foundationScheduled(everySchedule, protection), {
      AWS_ENDPOINT_URL: sandbox().endpoint,
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    });
    const applied = await terraform("apply", "-auto-approve", "-input=false");
    expect(errorsOf(applied.output)).toEqual([]);
    const again = await terraform("plan", "-input=false");
    expect(again.output).toContain("No changes.");
    const destroyed = await terraform("destroy", "-auto-approve", "-input=false");
    expect(destroyed.output).toContain("Destroy complete!");
  });
});

/** Terraform shows the whole stack with its warnings; what went wrong is in the lines that say so. */
function errorsOf(output: string): string[] {
  return output.split("\n").filter((line) => line.startsWith("Error:"));
}
