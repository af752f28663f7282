import {
  CopyImageCommand,
  CopySnapshotCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
} from "@aws-sdk/client-ec2";
import { CopyDBSnapshotCommand } from "@aws-sdk/client-rds";
import { describe, expect, test } from "vitest";
import { clients } from "./clients.ts";
import { runningSandbox } from "./gateway.ts";

const source = "eu-west-1";
const sandbox = runningSandbox();
const inRegion = (region: string) => clients(sandbox().endpoint, region);
const lost = expect.stringContaining(`region ${source} is lost`);

async function makeSnapshot(): Promise<string> {
  const { ec2 } = inRegion(source);
  const volume = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${source}a`, Size: 1 }));
  return (await ec2.send(new CreateSnapshotCommand({ VolumeId: volume.VolumeId! }))).SnapshotId!;
}

const copySnapshot = (snapshot: string) =>
  inRegion("eu-central-1").ec2.send(
    new CopySnapshotCommand({ SourceRegion: source, SourceSnapshotId: snapshot }),
  );

describe("a copy from a lost region", () => {
  test("of a snapshot fails, and names the region", async () => {
    const snapshot = await makeSnapshot();
    await sandbox().loseRegion(source, "refused");
    await expect(copySnapshot(snapshot)).rejects.toMatchObject({
      name: "InvalidParameterValue",
      message: lost,
    });
    const { requests } = await sandbox().requestsSince(0);
    expect(requests.at(-1)).toMatchObject({
      action: "CopySnapshot",
      region: source,
      status: 400,
      outcome: "lost",
    });
  });

  test("of an image fails, and names the region", async () => {
    await sandbox().loseRegion(source, "refused");
    const copy = inRegion("eu-central-1").ec2.send(
      new CopyImageCommand({ Name: "copy", SourceRegion: source, SourceImageId: "ami-12345678" }),
    );
    await expect(copy).rejects.toMatchObject({ name: "InvalidParameterValue", message: lost });
  });

  test("of a database snapshot fails, and names the region", async () => {
    await sandbox().loseRegion(source, "refused");
    const copy = inRegion("eu-central-1").rds.send(
      new CopyDBSnapshotCommand({
        SourceDBSnapshotIdentifier: `arn:aws:rds:${source}:123456789012:snapshot:daily`,
        TargetDBSnapshotIdentifier: "daily",
      }),
    );
    await expect(copy).rejects.toMatchObject({ name: "InvalidParameterValue", message: lost });
  });

  test("works again when the region is restored", async () => {
    const snapshot = await makeSnapshot();
    await sandbox().loseRegion(source, "refused");
    await sandbox().restoreRegion(source);
    expect((await copySnapshot(snapshot)).SnapshotId).toMatch(/^snap-/);
  });
});
