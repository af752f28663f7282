import {
  AttachVolumeCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DetachVolumeCommand,
  EC2Client,
  type Filter,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeVolumes,
  type Volume,
  type VolumeType,
} from "@aws-sdk/client-ec2";
import { tags } from "../../config/names.ts";
import type { LiveVolume, RunningServer, VolumeShape } from "../../restore/live-volume.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";
import { tagList } from "./images.ts";

/** EBS volumes of one region and the servers that they are attached to. No operation waits: callers do. */
export interface Volumes {
  readonly region: string;
  /** The running servers of that name; two for one that a rebuild in the same region has doubled. */
  servers(environment: string, server: string): Promise<RunningServer[]>;
  /** Volumes that are a server's by their tags, attached or not, and whatever else is attached to its instance. */
  of(environment: string, server: RunningServer): Promise<LiveVolume[]>;
  /** Undefined for a volume that is gone. */
  find(volume: string): Promise<LiveVolume | undefined>;
  create(snapshot: string, shape: VolumeShape, tags: Record<string, string>): Promise<string>;
  attach(volume: string, instance: string, device: string): Promise<void>;
  /** Never by force: what is in use stays attached. */
  detach(volume: string, instance: string): Promise<void>;
  tag(volumes: readonly string[], tags: Record<string, string>): Promise<void>;
  /** A volume that is gone is fine. */
  remove(volume: string): Promise<void>;
}

export function ebsVolumes(access: AwsAccess, region: string): Volumes {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  const describe = async (Filters: Filter[]): Promise<LiveVolume[]> => {
    const found: LiveVolume[] = [];
    for await (const { Volumes = [] } of paginateDescribeVolumes({ client: ec2 }, { Filters }))
      found.push(...Volumes.map(liveVolume));
    return found;
  };
  return {
    region,
    async servers(environment, server) {
      const Filters = [
        { Name: `tag:${tags.environment}`, Values: [environment] },
        { Name: `tag:${tags.server}`, Values: [server] },
        { Name: "instance-state-name", Values: ["running"] },
      ];
      const found: Instance[] = [];
      for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters }))
        found.push(...Reservations.flatMap(({ Instances }) => Instances ?? []));
      return found.map((instance) => ({
        instance: instance.InstanceId!,
        server,
        role: instance.Tags?.find(({ Key }) => Key === tags.role)?.Value ?? "",
        zone: instance.Placement!.AvailabilityZone!,
      }));
    },
    async of(environment, { server, instance }) {
      const [attached, tagged] = await Promise.all([
        describe([{ Name: "attachment.instance-id", Values: [instance] }]),
        describe([
          { Name: `tag:${tags.environment}`, Values: [environment] },
          { Name: `tag:${tags.server}`, Values: [server] },
        ]),
      ]);
      return [...new Map([...attached, ...tagged].map((volume) => [volume.id, volume])).values()];
    },
    async find(volume) {
      return (await describe([{ Name: "volume-id", Values: [volume] }]))[0];
    },
    async create(snapshot, { zone, sizeGiB, type, iops, throughputMiBps, keyArn }, labels) {
      // Without a token of its own a call that is tried again would make two volumes; the SDK adds one.
      const made = await ec2.send(
        new CreateVolumeCommand({
          SnapshotId: snapshot,
          AvailabilityZone: zone,
          Size: sizeGiB,
          VolumeType: type as VolumeType,
          ...(iops === undefined ? {} : { Iops: iops }),
          ...(throughputMiBps === undefined ? {} : { Throughput: throughputMiBps }),
          ...(keyArn === undefined ? {} : { Encrypted: true, KmsKeyId: keyArn }),
          TagSpecifications: [{ ResourceType: "volume", Tags: tagList(labels) }],
        }),
      );
      return made.VolumeId!;
    },
    async attach(volume, instance, device) {
      await ec2.send(new AttachVolumeCommand({ VolumeId: volume, InstanceId: instance, Device: device }));
    },
    async detach(volume, instance) {
      await ec2.send(new DetachVolumeCommand({ VolumeId: volume, InstanceId: instance }));
    },
    async tag(volumes, labels) {
      await ec2.send(new CreateTagsCommand({ Resources: [...volumes], Tags: tagList(labels) }));
    },
    async remove(volume) {
      try {
        await ec2.send(new DeleteVolumeCommand({ VolumeId: volume }));
      } catch (error) {
        if (errorCode(error) !== "InvalidVolume.NotFound") throw error;
      }
    },
  };
}

function liveVolume(volume: Volume): LiveVolume {
  const attached = volume.Attachments?.find(({ State }) => State !== "detached");
  // Only these types take them, and only gp3 both.
  const takesIops = ["gp3", "io1", "io2"].includes(volume.VolumeType ?? "");
  return {
    id: volume.VolumeId!,
    state: volume.State!,
    zone: volume.AvailabilityZone!,
    sizeGiB: volume.Size!,
    type: volume.VolumeType!,
    ...(takesIops && volume.Iops ? { iops: volume.Iops } : {}),
    ...(volume.VolumeType === "gp3" && volume.Throughput ? { throughputMiBps: volume.Throughput } : {}),
    ...(volume.Encrypted && volume.KmsKeyId ? { keyArn: volume.KmsKeyId } : {}),
    tags: Object.fromEntries((volume.Tags ?? []).map(({ Key, Value }) => [Key!, Value ?? ""])),
    ...(attached === undefined
      ? {}
      : {
          attachment: {
            instance: attached.InstanceId!,
            device: attached.Device!,
            state: attached.State === "attached" ? "attached" : "changing",
          },
        }),
  };
}
