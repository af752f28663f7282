import {
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  EC2Client,
  type Filter,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeSnapshots,
  paginateDescribeVolumes,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  type DBSnapshot,
  DeleteDBClusterSnapshotCommand,
  DeleteDBInstanceAutomatedBackupCommand,
  DeleteDBSnapshotCommand,
  paginateDescribeDBClusterSnapshots,
  paginateDescribeDBInstanceAutomatedBackups,
  paginateDescribeDBSnapshots,
  RDSClient,
  type Tag,
} from "@aws-sdk/client-rds";
import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { isDatabaseOf, tags } from "../../config/names.ts";
import type { Leftover } from "../../gameday/report.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";
import { leftovers } from "./leftovers.ts";

/** Takes away, in one region, what an environment's commands made and no stack owns. Only what carries its tag. */
export interface Sweep {
  /** Ends every server, all at once: Terraform would end them one role after the other. */
  servers(environment: string): Promise<void>;
  /** Data volumes that outlived their servers, snapshots, DB snapshots, golden images. */
  data(environment: string): Promise<void>;
  /** Every version of every object; the bucket stays. A bucket that is not there is fine. */
  emptyBucket(bucket: string): Promise<void>;
  deleteBucket(bucket: string): Promise<void>;
  /** Looks for what is still there, and removes nothing. */
  leftovers(environment: string): Promise<Leftover[]>;
}

export function awsSweep(access: AwsAccess, region: string): Sweep {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  const s3 = connected(
    new S3Client({ ...clientConfig(access, region), forcePathStyle: access.endpoint !== undefined }),
    access,
    region,
  );
  return {
    async servers(environment) {
      const Filters: Filter[] = [
        { Name: `tag:${tags.environment}`, Values: [environment] },
        { Name: "instance-state-name", Values: ["pending", "running", "stopped"] },
      ];
      const InstanceIds: string[] = [];
      for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters })) {
        for (const { Instances } of page.Reservations ?? [])
          InstanceIds.push(...(Instances ?? []).map(({ InstanceId }) => InstanceId!));
      }
      if (InstanceIds.length > 0) await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    },
    async data(environment) {
      const Filters: Filter[] = [{ Name: `tag:${tags.environment}`, Values: [environment] }];
      for await (const page of paginateDescribeImages({ client: ec2 }, { Owners: ["self"], Filters })) {
        for (const { ImageId } of page.Images ?? [])
          await ec2.send(new DeregisterImageCommand({ ImageId: ImageId! }));
      }
      for await (const page of paginateDescribeSnapshots({ client: ec2 }, { OwnerIds: ["self"], Filters })) {
        for (const { SnapshotId } of page.Snapshots ?? [])
          await ec2.send(new DeleteSnapshotCommand({ SnapshotId: SnapshotId! }));
      }
      const detached = [...Filters, { Name: "status", Values: ["available"] }];
      for await (const page of paginateDescribeVolumes({ client: ec2 }, { Filters: detached })) {
        for (const { VolumeId } of page.Volumes ?? [])
          await ec2.send(new DeleteVolumeCommand({ VolumeId: VolumeId! }));
      }
      await removeDatabaseSnapshots(rds, environment);
      await removeClusterSnapshots(rds, environment);
      await removeReplicatedBackups(rds, region, environment);
    },
    async emptyBucket(bucket) {
      try {
        await emptyBucket(s3, bucket);
      } catch (error) {
        if (errorCode(error) !== "NoSuchBucket") throw error;
      }
    },
    async deleteBucket(bucket) {
      await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
    },
    leftovers: (environment) => leftovers(access, region, environment),
  };
}

async function removeDatabaseSnapshots(rds: RDSClient, environment: string): Promise<void> {
  for (const { DBSnapshotIdentifier } of await databaseSnapshots(rds, environment, "manual"))
    await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: DBSnapshotIdentifier! }));
  // What a deleted database keeps until it expires. Its snapshots can't be deleted one by one.
  const backups = (await databaseSnapshots(rds, environment, "automated")).map((one) => one.DbiResourceId!);
  for (const DbiResourceId of new Set(backups))
    await rds.send(new DeleteDBInstanceAutomatedBackupCommand({ DbiResourceId }));
}

/** Cluster snapshots that nobody but RDS took are RDS's to remove. */
async function removeClusterSnapshots(client: RDSClient, environment: string): Promise<void> {
  for await (const page of paginateDescribeDBClusterSnapshots({ client }, { SnapshotType: "manual" }))
    for (const { DBClusterSnapshotIdentifier, TagList } of page.DBClusterSnapshots ?? [])
      if (isOf(TagList, environment))
        await client.send(
          new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: DBClusterSnapshotIdentifier! }),
        );
}

/** What a replication that was stopped has left until it expires. Automated backups carry no tags: their instance's name tells. */
async function removeReplicatedBackups(
  client: RDSClient,
  region: string,
  environment: string,
): Promise<void> {
  for await (const page of paginateDescribeDBInstanceAutomatedBackups({ client }, {}))
    for (const backup of page.DBInstanceAutomatedBackups ?? []) {
      if (backup.Region === region || !isDatabaseOf(environment, backup.DBInstanceIdentifier)) continue;
      const { DBInstanceAutomatedBackupsArn } = backup;
      await client.send(
        new DeleteDBInstanceAutomatedBackupCommand({
          DBInstanceAutomatedBackupsArn: DBInstanceAutomatedBackupsArn!,
        }),
      );
    }
}

async function databaseSnapshots(
  rds: RDSClient,
  environment: string,
  SnapshotType: "manual" | "automated",
): Promise<DBSnapshot[]> {
  const found: DBSnapshot[] = [];
  for await (const page of paginateDescribeDBSnapshots({ client: rds }, { SnapshotType })) {
    found.push(...(page.DBSnapshots ?? []).filter(({ TagList }) => isOf(TagList, environment)));
  }
  return found;
}

function isOf(list: Tag[] | undefined, environment: string): boolean {
  return list?.some(({ Key, Value }) => Key === tags.environment && Value === environment) ?? false;
}

async function emptyBucket(s3: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const Objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({
      Key: Key!,
      VersionId: VersionId!,
    }));
    if (Objects.length === 0) return;
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
  }
}
