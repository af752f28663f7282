import {
  CopyDBClusterSnapshotCommand,
  CopyDBSnapshotCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBSnapshotCommand,
  type DBClusterSnapshot,
  type DBSnapshot,
  DeleteDBClusterSnapshotCommand,
  DeleteDBSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBClusterSnapshotAttributeCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";
import { tagList } from "./images.ts";
import type { SnapshotCopies, SnapshotSource, SnapshotState } from "./snapshots.ts";

/** Snapshots of RDS instances, or of clusters, in one region. A copy has the name of its source. */
export interface DatabaseSnapshots extends SnapshotCopies {
  take(identifier: string, snapshot: string, label: Record<string, string>): Promise<void>;
  /** When its data is from, by RDS's clock; nothing until it is ready. */
  takenAt(snapshot: string): Promise<string | undefined>;
}

export function rdsSnapshots(access: AwsAccess, region: string): DatabaseSnapshots {
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);

  async function describe(snapshot: string): Promise<DBSnapshot | undefined> {
    try {
      const asked = new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot });
      return (await rds.send(asked)).DBSnapshots?.[0];
    } catch (error) {
      if (isNotThere(error)) return undefined;
      throw error;
    }
  }

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
    startedCopy: async ({ snapshot }) => (await describe(snapshot))?.DBSnapshotIdentifier,
    async copy(source, encryptionKey, label) {
      await rds.send(
        new CopyDBSnapshotCommand({
          SourceDBSnapshotIdentifier: arnOf("snapshot", source),
          TargetDBSnapshotIdentifier: source.snapshot,
          KmsKeyId: encryptionKey,
          Tags: tagList(label),
        }),
      );
      return source.snapshot;
    },
    async state(snapshot) {
      return stateOf(`DB snapshot ${snapshot} in ${region}`, await describe(snapshot));
    },
    async share(snapshot, account) {
      await rds.send(
        new ModifyDBSnapshotAttributeCommand({
          DBSnapshotIdentifier: snapshot,
          AttributeName: "restore",
          ValuesToAdd: [account],
        }),
      );
    },
    async takenAt(snapshot) {
      const { OriginalSnapshotCreateTime, SnapshotCreateTime } = (await describe(snapshot)) ?? {};
      // Of a copy, the latter is when it was copied.
      return (OriginalSnapshotCreateTime ?? SnapshotCreateTime)?.toISOString();
    },
    remove: (snapshot) => remove(rds, snapshot),
  };
}

/** The same of Aurora's clusters. */
export function clusterSnapshots(access: AwsAccess, region: string): DatabaseSnapshots {
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);

  async function describe(snapshot: string): Promise<DBClusterSnapshot | undefined> {
    try {
      const asked = new DescribeDBClusterSnapshotsCommand({ DBClusterSnapshotIdentifier: snapshot });
      return (await rds.send(asked)).DBClusterSnapshots?.[0];
    } catch (error) {
      if (isNotThere(error)) return undefined;
      throw error;
    }
  }

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
    startedCopy: async ({ snapshot }) => (await describe(snapshot))?.DBClusterSnapshotIdentifier,
    async copy(source, encryptionKey, label) {
      await rds.send(
        new CopyDBClusterSnapshotCommand({
          SourceDBClusterSnapshotIdentifier: arnOf("cluster-snapshot", source),
          TargetDBClusterSnapshotIdentifier: source.snapshot,
          KmsKeyId: encryptionKey,
          Tags: tagList(label),
        }),
      );
      return source.snapshot;
    },
    async state(snapshot) {
      return stateOf(`DB cluster snapshot ${snapshot} in ${region}`, await describe(snapshot));
    },
    async share(snapshot, account) {
      await rds.send(
        new ModifyDBClusterSnapshotAttributeCommand({
          DBClusterSnapshotIdentifier: snapshot,
          AttributeName: "restore",
          ValuesToAdd: [account],
        }),
      );
    },
    takenAt: async (snapshot) => (await describe(snapshot))?.SnapshotCreateTime?.toISOString(),
    remove: (snapshot) => remove(rds, snapshot),
  };
}

function arnOf(kind: "snapshot" | "cluster-snapshot", { region, account, snapshot }: SnapshotSource): string {
  return `arn:aws:rds:${region}:${account}:${kind}:${snapshot}`;
}

function stateOf(
  what: string,
  found: Pick<DBSnapshot, "Status" | "PercentProgress"> | undefined,
): SnapshotState {
  const status = found?.Status;
  if (status === "available") return { kind: "ready" };
  if (status === "creating" || status === "copying" || status === "pending")
    return { kind: "waiting", percent: found?.PercentProgress ?? 0 };
  return { kind: "failed", reason: `${what} is ${status ?? "gone"}` };
}

/** Whichever of the two it is of: whoever removes the parts of a point knows only their names. */
async function remove(rds: RDSClient, snapshot: string): Promise<void> {
  const ofInstance = new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: snapshot });
  if (await isRemoved(rds.send(ofInstance))) return;
  await isRemoved(rds.send(new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: snapshot })));
}

async function isRemoved(removal: Promise<unknown>): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    if (isNotThere(error)) return false;
    throw error;
  }
}

function isNotThere(error: unknown): boolean {
  return /^DB(Cluster)?SnapshotNotFound(Fault)?$/.test(errorCode(error));
}
