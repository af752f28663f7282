import {
  CopyDBClusterSnapshotCommand,
  CopyDBSnapshotCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBSnapshotCommand,
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
      return stateOf("DB snapshot", snapshot, found.DBSnapshots?.[0]?.Status);
    },
    async remove(snapshot) {
      await unlessGone(rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: snapshot })));
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
      return stateOf("DB cluster snapshot", snapshot, found.DBClusterSnapshots?.[0]?.Status);
    },
    async remove(snapshot) {
      await unlessGone(
        rds.send(new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: snapshot })),
      );
    },
  };
}

function arnOf(
  kind: "snapshot" | "cluster-snapshot",
  { region, account, snapshot }: { region: string; account: string; snapshot: string },
): string {
  return `arn:aws:rds:${region}:${account}:${kind}:${snapshot}`;
}

function stateOf(what: string, snapshot: string, status: string | undefined): SnapshotState {
  if (status === "available") return { kind: "ready" };
  if (status === "creating" || status === "copying") return { kind: "waiting" };
  return { kind: "failed", reason: `${what} ${snapshot} is ${status ?? "gone"}` };
}

async function unlessGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!/^DB(Cluster)?SnapshotNotFound(Fault)?$/.test(errorCode(error))) throw error;
  }
}
