import {
  CopySnapshotCommand,
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeVolumes,
} from "@aws-sdk/client-ec2";
import { tags } from "../../config/names.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";
import { tagList } from "./images.ts";

/** A server that is running now, as its tags and its device mapping describe it. */
export interface LiveServer {
  instanceId: string;
  role: string;
  server: string;
  release: string;
  recipe: string;
  /** Device → volume. The boot volume is not among them. */
  volumes: { device: string; volumeId: string; sizeGiB: number }[];
}

/** How far a snapshot is, in EBS's or RDS's words made one; `takenAt` is by the service's clock. */
export type SnapshotState =
  | { kind: "ready"; takenAt: string }
  | { kind: "waiting" }
  | { kind: "failed"; reason: string };

/** Snapshots of EBS volumes in one region. No operation waits: callers do. */
export interface VolumeSnapshots {
  readonly region: string;
  /** Running servers of an environment's primary site. */
  servers(environment: string): Promise<LiveServer[]>;
  /** One call and one instant for all data volumes of a server: volume id → snapshot id. */
  take(instanceId: string, label: Record<string, string>): Promise<Map<string, string>>;
  /** Copies a snapshot of another region into this one, encrypted with this region's key. */
  copy(
    source: { region: string; snapshotId: string },
    encryptionKey: string,
    label: Record<string, string>,
  ): Promise<string>;
  state(snapshotId: string): Promise<SnapshotState>;
  remove(snapshotId: string): Promise<void>;
}

export function ebsSnapshots(access: AwsAccess, region: string): VolumeSnapshots {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  return {
    region,
    async servers(environment) {
      const Filters = [
        { Name: `tag:${tags.environment}`, Values: [environment] },
        { Name: `tag:${tags.site}`, Values: ["primary"] },
        { Name: "instance-state-name", Values: ["running"] },
      ];
      const instances: Instance[] = [];
      for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters })) {
        instances.push(...(page.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []));
      }
      const sizes = await volumeSizes(
        ec2,
        instances.map(({ InstanceId }) => InstanceId!),
      );
      return instances.map((instance) => {
        const tag = (key: string) => instance.Tags?.find(({ Key }) => Key === key)?.Value ?? "";
        return {
          instanceId: instance.InstanceId!,
          role: tag(tags.role),
          server: tag(tags.server),
          release: tag(tags.release),
          recipe: tag(tags.recipe),
          volumes: (instance.BlockDeviceMappings ?? [])
            .filter(({ DeviceName }) => DeviceName !== instance.RootDeviceName)
            .map(({ DeviceName, Ebs }) => ({
              device: DeviceName!,
              volumeId: Ebs!.VolumeId!,
              sizeGiB: sizes.get(Ebs!.VolumeId!) ?? 0,
            })),
        };
      });
    },
    async take(instanceId, label) {
      const taken = await ec2.send(
        new CreateSnapshotsCommand({
          InstanceSpecification: { InstanceId: instanceId, ExcludeBootVolume: true },
          Description: `rekindle ${label[tags.point]} of ${label[tags.server]}`,
          TagSpecifications: [{ ResourceType: "snapshot", Tags: tagList(label) }],
        }),
      );
      return new Map((taken.Snapshots ?? []).map(({ VolumeId, SnapshotId }) => [VolumeId!, SnapshotId!]));
    },
    async copy(source, encryptionKey, label) {
      const copied = await ec2.send(
        new CopySnapshotCommand({
          SourceRegion: source.region,
          SourceSnapshotId: source.snapshotId,
          Description: `rekindle ${label[tags.point]} of ${label[tags.server]}, from ${source.region}`,
          Encrypted: true,
          KmsKeyId: encryptionKey,
          TagSpecifications: [{ ResourceType: "snapshot", Tags: tagList(label) }],
        }),
      );
      return copied.SnapshotId!;
    },
    async state(snapshotId) {
      const found = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
      const snapshot = found.Snapshots?.[0];
      if (snapshot?.State === "completed")
        return { kind: "ready", takenAt: snapshot.StartTime!.toISOString() };
      if (snapshot?.State === "pending" || snapshot?.State === "recovering") return { kind: "waiting" };
      return {
        kind: "failed",
        reason: snapshot?.StateMessage ?? `snapshot ${snapshotId} is ${snapshot?.State ?? "gone"}`,
      };
    },
    async remove(snapshotId) {
      try {
        await ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshotId }));
      } catch (error) {
        if (errorCode(error) !== "InvalidSnapshot.NotFound") throw error;
      }
    },
  };
}

/** Volume id → GiB, of all volumes that are attached to the instances. */
async function volumeSizes(ec2: EC2Client, instanceIds: string[]): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  if (instanceIds.length === 0) return sizes;
  const Filters = [{ Name: "attachment.instance-id", Values: instanceIds }];
  for await (const page of paginateDescribeVolumes({ client: ec2 }, { Filters })) {
    for (const { VolumeId, Size } of page.Volumes ?? []) sizes.set(VolumeId!, Size!);
  }
  return sizes;
}
