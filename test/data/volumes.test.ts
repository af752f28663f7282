import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeImagesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { volumeMoves } from "../../bootstrap/commands/volume-moves.ts";
import { ebsVolumes, type Volumes } from "../../bootstrap/edges/aws/volumes.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { primary as region } from "../builders.ts";
import { launch } from "../sandbox/bodies/launch.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";

const sandbox = runningSandbox();
const zone = `${region}a`;
const stopwatch = new Stopwatch(systemClock);
const patience = { clock: systemClock, stopwatch, signal: new AbortController().signal };
const ec2 = () => clients(sandbox().endpoint, region).ec2;
const some = { team: "a" };
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const volumes = (): Volumes => ebsVolumes({ endpoint: sandbox().endpoint, credentials, stopwatch }, region);

async function aSnapshot(): Promise<string> {
  const made = await ec2().send(new CreateVolumeCommand({ AvailabilityZone: zone, Size: 3 }));
  return (await ec2().send(new CreateSnapshotCommand({ VolumeId: made.VolumeId! }))).SnapshotId!;
}

async function aServer(server: string, environment = "shop"): Promise<string> {
  const { Images } = await ec2().send(new DescribeImagesCommand({ Owners: ["amazon"] }));
  const labels = { "rekindle:environment": environment, "rekindle:server": server, "rekindle:role": "db" };
  const { InstanceId } = await launch(ec2(), {
    ImageId: Images![0]!.ImageId!,
    Placement: { AvailabilityZone: zone },
    TagSpecifications: [
      { ResourceType: "instance", Tags: Object.entries(labels).map(([Key, Value]) => ({ Key, Value })) },
    ],
  });
  return InstanceId!;
}

describe("volumes at EC2", () => {
  it("are as they were asked for, attached and not", async () => {
    const shape = {
      zone,
      sizeGiB: 5,
      type: "gp3",
      iops: 4000,
      throughputMiBps: 250,
      keyArn: "arn:aws:kms:k",
    };
    const id = await volumes().create(await aSnapshot(), shape, { "rekindle:server": "db-0" });
    expect(await volumes().find(id)).toEqual({
      id,
      state: "available",
      ...shape,
      tags: { "rekindle:server": "db-0" },
    });
    const instance = await aServer("db-0");
    const moves = volumeMoves(volumes(), patience);
    for (const _ of [1, 2]) await moves.attach(id, instance, "/dev/sdf");
    const attachment = { instance, device: "/dev/sdf", state: "attached" };
    expect(await volumes().find(id)).toMatchObject({ state: "in-use", attachment });
    for (const _ of [1, 2]) await moves.detach(id);
    expect((await volumes().find(id))?.attachment).toBeUndefined();
    await volumes().tag([id], { "rekindle:replaced": "now" });
    expect((await volumes().find(id))?.tags).toEqual({
      "rekindle:server": "db-0",
      "rekindle:replaced": "now",
    });
  });

  it("can be removed twice, and are not found then", async () => {
    const id = await volumes().create(await aSnapshot(), { zone, sizeGiB: 3, type: "gp2" }, some);
    for (const _ of [1, 2]) await volumes().remove(id);
    expect(await volumes().find(id)).toBeUndefined();
    const moves = volumeMoves(volumes(), patience);
    await expect(moves.detach(id)).rejects.toThrow(`volume ${id} is gone`);
  });

  it("are not removed while they are attached", async () => {
    const id = await volumes().create(await aSnapshot(), { zone, sizeGiB: 3, type: "gp3" }, some);
    await volumes().attach(id, await aServer("db-0"), "/dev/sdf");
    await expect(volumes().remove(id)).rejects.toMatchObject({ name: "VolumeInUse" });
  });

  it("are a server's by their tags or because they are attached, and no other server's", async () => {
    const instance = await aServer("db-0");
    await aServer("db-1");
    await aServer("db-0", "other");
    const gone = await aServer("db-0");
    await ec2().send(new TerminateInstancesCommand({ InstanceIds: [gone] }));
    const servers = await volumes().servers("shop", "db-0");
    expect(servers).toEqual([{ instance, server: "db-0", role: "db", zone }]);
    const own = { "rekindle:environment": "shop", "rekindle:server": "db-0" };
    const shape = { zone, sizeGiB: 3, type: "gp3" };
    const free = await volumes().create(await aSnapshot(), shape, own);
    const attached = await volumes().create(await aSnapshot(), shape, some);
    await volumes().create(await aSnapshot(), shape, { ...own, "rekindle:server": "db-1" });
    await volumes().attach(attached, instance, "/dev/sdf");
    const found = await volumes().of("shop", servers[0]!);
    const root = found.filter(
      ({ attachment }) => attachment?.device !== "/dev/sdf" && attachment !== undefined,
    );
    expect(found.map(({ id }) => id).sort()).toEqual([free, attached, ...root.map(({ id }) => id)].sort());
  });
});
