import {
  CopyImageCommand,
  CopySnapshotCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  ModifyImageAttributeCommand,
  ModifySnapshotAttributeCommand,
  RegisterImageCommand,
} from "@aws-sdk/client-ec2";
import { CopyDBSnapshotCommand } from "@aws-sdk/client-rds";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
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

describe("a copy of what another account has", () => {
  const vault = "210987654321";

  /** Clients with a role of the vault. */
  async function inVault() {
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const sts = new STSClient({ endpoint: sandbox().endpoint, region: source, credentials });
    const RoleArn = `arn:aws:iam::${vault}:role/rekindle-vault`;
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "test" }));
    const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!;
    const taken = {
      accessKeyId: AccessKeyId!,
      secretAccessKey: SecretAccessKey!,
      sessionToken: SessionToken!,
    };
    return clients(sandbox().endpoint, source, 30_000, taken);
  }

  const share = (SnapshotId: string) =>
    inRegion(source).ec2.send(
      new ModifySnapshotAttributeCommand({
        SnapshotId,
        Attribute: "createVolumePermission",
        OperationType: "add",
        UserIds: [vault],
      }),
    );

  test("of a snapshot needs its permission, and has its size and nothing beside it", async () => {
    const { ec2 } = await inVault();
    const SourceSnapshotId = await makeSnapshot();
    const copy = () => ec2.send(new CopySnapshotCommand({ SourceRegion: source, SourceSnapshotId }));
    await expect(copy()).rejects.toMatchObject({ name: "InvalidSnapshot.NotFound" });
    await share(SourceSnapshotId);
    const { SnapshotId } = await copy();
    const Filters = [{ Name: "volume-size", Values: ["1"] }];
    const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters }));
    expect(Snapshots).toMatchObject([{ SnapshotId, VolumeSize: 1, OwnerId: vault }]);
    expect((await ec2.send(new DescribeVolumesCommand({}))).Volumes).toEqual([]);
  });

  test("of an image needs its permission and its snapshot's", async () => {
    const { ec2 } = await inVault();
    const owner = inRegion(source).ec2;
    const { ImageId } = await owner.send(new RegisterImageCommand({ Name: "pet" }));
    const copy = () =>
      ec2.send(new CopyImageCommand({ Name: "copy", SourceRegion: source, SourceImageId: ImageId! }));
    await expect(copy()).rejects.toMatchObject({ name: "InvalidAMIID.NotFound" });
    const LaunchPermission = { Add: [{ UserId: vault }] };
    await owner.send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission }));
    await expect(copy()).rejects.toMatchObject({ name: "InvalidAMIID.NotFound" });
    const { Images } = await owner.send(new DescribeImagesCommand({ ImageIds: [ImageId!] }));
    await share(Images![0]!.BlockDeviceMappings![0]!.Ebs!.SnapshotId!);
    const copied = await copy();
    const own = await ec2.send(new DescribeImagesCommand({ Owners: ["self"] }));
    expect(own.Images!.map((image) => [image.ImageId, image.Name])).toEqual([[copied.ImageId, "copy"]]);
  });
});
