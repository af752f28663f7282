import {
  CopyDBClusterSnapshotCommand,
  CopyDBSnapshotCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBSnapshotCommand,
  type DBSnapshot,
  DeleteDBClusterSnapshotCommand,
  DeleteDBSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBSnapshotsCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";
import { tagList } from "./images.ts";
import type { SnapshotState } from "./snapshots.ts";

/** Snapshots of RDS instances, or of clusters, in one region. No operation waits: callers do. */
export interface DatabaseSnapshots {
  readonly region: string;
  take(identifier: string, snapshot: string, label: Record<string, string>): Promise<void>;
  /** Copies a snapshot of another region into this one under the same name, encrypted with this region's key. */
  copy(
    source: { region: string; account: string; snapshot: string },
    encryptionKey: string,
    label: Record<string, string>,
  ): Promise<void>;
  state(snapshot: string): Promise<SnapshotState>;
  /** Whichever of the two it is of; one that is gone is fine. */
  remove(snapshot: string): Promise<void>;
}

export function rdsSnapshots(access: AwsAccess, region: string): DatabaseSnapshots {
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  return {
    region,
    async take(instance, snapshot, label) {
      await rds.send(
        new CreateDBSnapshotCommand({
          DBInstanceIdentifier: instance,
          DBSnapshotIdentifier: snapshot,
          Tags: tagList(label),
        }),
      );
    },
    async copy(source, encryptionKey, label) {
      await rds.send(
        new CopyDBSnapshotCommand({
          SourceDBSnapshotIdentifier: arnOf("snapshot", source),
          TargetDBSnapshotIdentifier: source.snapshot,
          KmsKeyId: encryptionKey,
          Tags: tagList(label),
        }),
      );
    },
    async state(snapshot) {
      const found = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot }));
      return stateOf("DB snapshot", snapshot, found.DBSnapshots?.[0]);
    },
    async remove(snapshot) {
      await remove(rds, snapshot);
    },
  };
}

export function clusterSnapshots(access: AwsAccess, region: string): DatabaseSnapshots {
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  return {
    region,
    async take(cluster, snapshot, label) {
      await rds.send(
        new CreateDBClusterSnapshotCommand({
          DBClusterIdentifier: cluster,
          DBClusterSnapshotIdentifier: snapshot,
          Tags: tagList(label),
        }),
      );
    },
    async copy(source, encryptionKey, label) {
      await rds.send(
        new CopyDBClusterSnapshotCommand({
          SourceDBClusterSnapshotIdentifier: arnOf("cluster-snapshot", source),
          TargetDBClusterSnapshotIdentifier: source.snapshot,
          KmsKeyId: encryptionKey,
          Tags: tagList(label),
        }),
      );
    },
    async state(snapshot) {
      const asked = new DescribeDBClusterSnapshotsCommand({ DBClusterSnapshotIdentifier: snapshot });
      const found = await rds.send(asked);
      return stateOf("DB cluster snapshot", snapshot, found.DBClusterSnapshots?.[0]);
    },
    async remove(snapshot) {
      await remove(rds, snapshot);
    },
  };
}

function arnOf(
  kind: "snapshot" | "cluster-snapshot",
  { region, account, snapshot }: { region: string; account: string; snapshot: string },
): string {
  return `arn:aws:rds:${region}:${account}:${kind}:${snapshot}`;
}

function stateOf(
  what: string,
  snapshot: string,
  found: Pick<DBSnapshot, "Status" | "SnapshotCreateTime" | "OriginalSnapshotCreateTime"> | undefined,
): SnapshotState {
  const { Status: status, SnapshotCreateTime, OriginalSnapshotCreateTime } = found ?? {};
  if (status === "available") {
    // Of a copy, the first is when it was copied.
    const takenAt = (OriginalSnapshotCreateTime ?? SnapshotCreateTime)!.toISOString();
    return { kind: "ready", takenAt };
  }
  if (status === "creating" || status === "copying") return { kind: "waiting" };
  return { kind: "failed", reason: `${what} ${snapshot} is ${status ?? "gone"}` };
}

async function remove(rds: RDSClient, snapshot: string): Promise<void> {
  const asDatabases = new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: snapshot });
  if (await succeedsUnlessGone(rds.send(asDatabases))) return;
  const asClusters = new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: snapshot });
  await succeedsUnlessGone(rds.send(asClusters));
}

async function succeedsUnlessGone(removal: Promise<unknown>): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    if (/^DB(Cluster)?SnapshotNotFound(Fault)?$/.test(errorCode(error))) return false;
    throw error;
  }
}
