import {
  CopySnapshotCommand,
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  type Instance,
  ModifySnapshotAttributeCommand,
  paginateDescribeInstances,
  paginateDescribeSnapshots,
  paginateDescribeVolumes,
  type Snapshot,
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

/** How far a snapshot is, in EBS's or RDS's words made one. */
export type SnapshotState =
  | { kind: "ready" }
  | { kind: "waiting"; percent?: number }
  | { kind: "failed"; reason: string };

/** The snapshots of one call: volume id → snapshot id. */
export interface TakenSnapshots {
  snapshots: Map<string, string>;
  /** When the first of them was started, by EC2's clock: no data is older. */
  takenAt: string;
}

/** A snapshot as another region or account names it. */
export interface SnapshotSource {
  region: string;
  account: string;
  snapshot: string;
}

/** What copying asks of one kind of snapshot in one place. No operation waits: callers do. */
export interface SnapshotCopies {
  readonly region: string;
  /** Also of one that is not there: that has failed. */
  state(snapshot: string): Promise<SnapshotState>;
  /** A copy of the source that an earlier command has started here, whatever became of it. */
  startedCopy(source: SnapshotSource, label: Record<string, string>): Promise<string | undefined>;
  /** Copies a snapshot of another region or account into this one, encrypted with this place's key. */
  copy(source: SnapshotSource, encryptionKey: string, label: Record<string, string>): Promise<string>;
  /** Lets another account copy a snapshot of this one. */
  share(snapshot: string, account: string): Promise<void>;
  /** One that is gone already is fine. */
  remove(snapshot: string): Promise<void>;
}

/** Snapshots of EBS volumes in one region. */
export interface VolumeSnapshots extends SnapshotCopies {
  /** Running servers of an environment's primary site. */
  servers(environment: string): Promise<LiveServer[]>;
  /** One call and one instant for all data volumes of a server. */
  take(instanceId: string, label: Record<string, string>): Promise<TakenSnapshots>;
}

export function ebsSnapshots(access: AwsAccess, region: string): VolumeSnapshots {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);

  async function describe(snapshotId: string): Promise<Snapshot | undefined> {
    try {
      return (await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }))).Snapshots?.[0];
    } catch (error) {
      if (errorCode(error) === "InvalidSnapshot.NotFound") return undefined;
      throw error;
    }
  }

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
          Description: `rekindle ${label[tags.point] ?? "before a restore"} of ${label[tags.server]}`,
          TagSpecifications: [{ ResourceType: "snapshot", Tags: tagList(label) }],
        }),
      );
      const snapshots = taken.Snapshots ?? [];
      const [takenAt = ""] = snapshots.map(({ StartTime }) => StartTime!.toISOString()).sort();
      return {
        snapshots: new Map(snapshots.map(({ VolumeId, SnapshotId }) => [VolumeId!, SnapshotId!])),
        takenAt,
      };
    },
    async startedCopy(_source, label) {
      const Filters = Object.entries(label).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
      const found: Snapshot[] = [];
      for await (const page of paginateDescribeSnapshots({ client: ec2 }, { OwnerIds: ["self"], Filters }))
        found.push(...(page.Snapshots ?? []));
      const isUsable = ({ State }: Snapshot) => State === "completed" || State === "pending";
      return (found.find(isUsable) ?? found[0])?.SnapshotId;
    },
    async copy(source, encryptionKey, label) {
      const copied = await ec2.send(
        new CopySnapshotCommand({
          SourceRegion: source.region,
          SourceSnapshotId: source.snapshot,
          Description: `rekindle ${label[tags.point]} of ${label[tags.server]}, from ${source.region}`,
          Encrypted: true,
          KmsKeyId: encryptionKey,
          TagSpecifications: [{ ResourceType: "snapshot", Tags: tagList(label) }],
        }),
      );
      return copied.SnapshotId!;
    },
    async state(snapshotId) {
      const snapshot = await describe(snapshotId);
      if (snapshot?.State === "completed") return { kind: "ready" };
      if (snapshot?.State === "pending" || snapshot?.State === "recovering")
        return { kind: "waiting", percent: Number.parseInt(snapshot.Progress ?? "", 10) || 0 };
      const why = snapshot?.StateMessage ? `: ${snapshot.StateMessage}` : "";
      return {
        kind: "failed",
        reason: `snapshot ${snapshotId} in ${region} is ${snapshot?.State ?? "gone"}${why}`,
      };
    },
    async share(snapshotId, account) {
      await ec2.send(
        new ModifySnapshotAttributeCommand({
          SnapshotId: snapshotId,
          Attribute: "createVolumePermission",
          OperationType: "add",
          UserIds: [account],
        }),
      );
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
