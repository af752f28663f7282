import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  AttachVolumeCommand,
  CopyImageCommand,
  CopySnapshotCommand,
  CreateImageCommand,
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  DetachVolumeCommand,
  type EC2Client,
  type Instance,
  RegisterImageCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { sandboxWithBodies } from "./gateway-with-bodies.ts";
import { launch } from "./launch.ts";

const { engine, aws } = sandboxWithBodies();

const AvailabilityZone = "eu-west-1a";

async function write(instance: Instance, path: string, text: string): Promise<void> {
  await writeFile(join(engine().machine(instance.InstanceId!).root, path), text);
}

async function read(instance: Instance, path: string): Promise<string> {
  return await readFile(join(engine().machine(instance.InstanceId!).root, path), "utf8");
}

/** A volume with a line in it, attached to an instance as /dev/sdf. */
async function volumeWith(ec2: EC2Client, instance: Instance, text: string): Promise<string> {
  const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone, Size: 1 }));
  const attachment = { InstanceId: instance.InstanceId!, VolumeId: VolumeId!, Device: "/dev/sdf" };
  await ec2.send(new AttachVolumeCommand(attachment));
  await write(instance, "dev/sdf/note", text);
  return VolumeId!;
}

describe("a volume", () => {
  test("appears in the machine that it is attached to, and comes back from its snapshot in another", async () => {
    const { ec2 } = aws();
    const first = await launch(ec2);
    const VolumeId = await volumeWith(ec2, first, "before");
    const { SnapshotId } = await ec2.send(new CreateSnapshotCommand({ VolumeId }));
    await write(first, "dev/sdf/note", "after");
    const second = await launch(ec2, {
      BlockDeviceMappings: [{ DeviceName: "/dev/sdg", Ebs: { SnapshotId: SnapshotId! } }],
    });
    expect(await read(second, "dev/sdg/note")).toBe("before");
    expect(await read(first, "dev/sdf/note")).toBe("after");
  });

  test("keeps its data when it moves from one machine to another", async () => {
    const { ec2 } = aws();
    const first = await launch(ec2);
    const VolumeId = await volumeWith(ec2, first, "moves");
    await ec2.send(new DetachVolumeCommand({ VolumeId, InstanceId: first.InstanceId! }));
    expect(engine().machine(first.InstanceId!).attached.size).toBe(0);
    const second = await launch(ec2);
    const attachment = { InstanceId: second.InstanceId!, VolumeId, Device: "/dev/sdh" };
    await ec2.send(new AttachVolumeCommand(attachment));
    expect(await read(second, "dev/sdh/note")).toBe("moves");
  });

  test("that its machine still uses is not detached, and the machine's reason is told", async () => {
    const { ec2 } = aws();
    const instance = await launch(ec2);
    const VolumeId = await volumeWith(ec2, instance, "busy");
    engine().machine(instance.InstanceId!).busy.add("/dev/sdf");
    await expect(ec2.send(new DetachVolumeCommand({ VolumeId }))).rejects.toMatchObject({
      name: "IncorrectState",
      message: expect.stringContaining("/dev/sdf is mounted on /data"),
    });
    expect(engine().machine(instance.InstanceId!).attached.size).toBe(1);
  });

  test("goes when it is deleted, and not before", async () => {
    const { ec2 } = aws();
    const instance = await launch(ec2);
    const VolumeId = await volumeWith(ec2, instance, "kept");
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance.InstanceId!] }));
    expect(engine().disks.size).toBe(1);
    await ec2.send(new DeleteVolumeCommand({ VolumeId }));
    expect(engine().disks.size).toBe(0);
  });
});

describe("a snapshot", () => {
  test("of all volumes of an instance has each one's own data, root included", async () => {
    const { ec2 } = aws();
    const instance = await launch(ec2);
    await write(instance, "root-note", "root");
    const data = await volumeWith(ec2, instance, "data");
    const { Snapshots } = await ec2.send(
      new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: instance.InstanceId! } }),
    );
    const of = (isData: boolean) => Snapshots!.find(({ VolumeId }) => (VolumeId === data) === isData)!;
    const second = await launch(ec2, {
      BlockDeviceMappings: [{ DeviceName: "/dev/sdf", Ebs: { SnapshotId: of(true).SnapshotId! } }],
    });
    expect(await read(second, "dev/sdf/note")).toBe("data");
    const registered = await ec2.send(
      new RegisterImageCommand({
        Name: "from-root",
        RootDeviceName: "/dev/xvda",
        BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { SnapshotId: of(false).SnapshotId! } }],
      }),
    );
    const third = await launch(ec2, { ImageId: registered.ImageId! });
    expect(await read(third, "root-note")).toBe("root");
  });

  test("is copied to another region, and outlives its source", async () => {
    const { ec2 } = aws();
    const recovery = aws("eu-central-1").ec2;
    const instance = await launch(ec2);
    const VolumeId = await volumeWith(ec2, instance, "copied");
    const { SnapshotId } = await ec2.send(new CreateSnapshotCommand({ VolumeId }));
    const source = { SourceRegion: "eu-west-1", SourceSnapshotId: SnapshotId! };
    const copied = await recovery.send(new CopySnapshotCommand(source));
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId: SnapshotId! }));
    const { VolumeId: restored } = await recovery.send(
      new CreateVolumeCommand({ AvailabilityZone: "eu-central-1a", SnapshotId: copied.SnapshotId! }),
    );
    const server = await launch(recovery);
    const attachment = { InstanceId: server.InstanceId!, VolumeId: restored!, Device: "/dev/sdf" };
    await recovery.send(new AttachVolumeCommand(attachment));
    expect(await read(server, "dev/sdf/note")).toBe("copied");
  });

  test("that could not be taken is not there afterwards", async () => {
    const { ec2 } = aws();
    const instance = await launch(ec2);
    const VolumeId = await volumeWith(ec2, instance, "lost");
    const disk = engine().machine(instance.InstanceId!).attached.get("/dev/sdf")!;
    engine().broken.add(disk);
    await expect(ec2.send(new CreateSnapshotCommand({ VolumeId }))).rejects.toMatchObject({
      name: "InternalError",
      message: expect.stringContaining("input/output error"),
    });
    const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
    expect(Snapshots).toEqual([]);
  });
});

describe("an image", () => {
  async function imageWith(ec2: EC2Client, text: string) {
    const builder = await launch(ec2);
    await write(builder, "note", text);
    await ec2.send(new StopInstancesCommand({ InstanceIds: [builder.InstanceId!] }));
    const { ImageId } = await ec2.send(
      new CreateImageCommand({ InstanceId: builder.InstanceId!, Name: text }),
    );
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [builder.InstanceId!] }));
    return ImageId!;
  }

  test("of a stopped machine is what others start from, each with a disk of its own", async () => {
    const { ec2 } = aws();
    const ImageId = await imageWith(ec2, "golden");
    const [one, other] = [await launch(ec2, { ImageId }), await launch(ec2, { ImageId })];
    await write(one, "note", "changed");
    expect(await read(other, "note")).toBe("golden");
    expect(engine().running()).toEqual([one.InstanceId, other.InstanceId]);
  });

  test("of a running machine restarts it, unless it is told not to", async () => {
    const { ec2 } = aws();
    const instance = await launch(ec2);
    const create = async (Name: string, NoReboot: boolean) =>
      await ec2.send(new CreateImageCommand({ InstanceId: instance.InstanceId!, Name, NoReboot }));
    await create("without", true);
    expect(engine().machines).toHaveLength(1);
    await create("with", false);
    expect(engine().machines.map(({ running }) => running)).toEqual([false, true]);
  });

  test("is copied to another region", async () => {
    const recovery = aws("eu-central-1").ec2;
    const source = { SourceRegion: "eu-west-1", SourceImageId: await imageWith(aws().ec2, "copied") };
    const { ImageId } = await recovery.send(new CopyImageCommand({ ...source, Name: "copy" }));
    const server = await launch(recovery, { ImageId: ImageId! });
    expect(await read(server, "note")).toBe("copied");
  });

  test("goes with its snapshot: both must be deleted, as in AWS", async () => {
    const { ec2 } = aws();
    const ImageId = await imageWith(ec2, "short-lived");
    const { Images } = await ec2.send(new DescribeImagesCommand({ ImageIds: [ImageId] }));
    const SnapshotId = Images![0]!.BlockDeviceMappings![0]!.Ebs!.SnapshotId!;
    await ec2.send(new DeregisterImageCommand({ ImageId }));
    expect(engine().disks.size).toBe(1);
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    expect(engine().disks.size).toBe(0);
  });

  test("cannot be registered from a snapshot of which there is no data", async () => {
    const { ec2 } = aws();
    const mapping = (SnapshotId: string) => [{ DeviceName: "/dev/sda1", Ebs: { SnapshotId } }];
    const register = async (BlockDeviceMappings: ReturnType<typeof mapping>) =>
      await ec2.send(
        new RegisterImageCommand({ Name: "empty", RootDeviceName: "/dev/sda1", BlockDeviceMappings }),
      );
    await expect(register(mapping("snap-12345678"))).rejects.toMatchObject({
      name: "InvalidSnapshot.NotFound",
    });
    await expect(register([])).rejects.toMatchObject({ name: "MissingParameter" });
    const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ["self"] }));
    expect(Images).toEqual([]);
  });
});
