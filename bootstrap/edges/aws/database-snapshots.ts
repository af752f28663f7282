import {
  CopyDBSnapshotCommand,
  CreateDBSnapshotCommand,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";
import { tagList } from "./images.ts";
import type { SnapshotState } from "./snapshots.ts";

/** Snapshots of RDS instances in one region. No operation waits: callers do. */
export interface DatabaseSnapshots {
  readonly region: string;
  take(instance: string, snapshot: string, label: Record<string, string>): Promise<void>;
  /** Copies a snapshot of another region into this one under the same name, encrypted with this region's key. */
  copy(
    source: { region: string; account: string; snapshot: string },
    encryptionKey: string,
    label: Record<string, string>,
  ): Promise<void>;
  state(snapshot: string): Promise<SnapshotState>;
  /** When its data is from, by RDS's clock; nothing until it is ready. */
  takenAt(snapshot: string): Promise<string | undefined>;
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
          SourceDBSnapshotIdentifier: `arn:aws:rds:${source.region}:${source.account}:snapshot:${source.snapshot}`,
          TargetDBSnapshotIdentifier: source.snapshot,
          KmsKeyId: encryptionKey,
          Tags: tagList(label),
        }),
      );
    },
    async state(snapshot) {
      const found = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot }));
      const status = found.DBSnapshots?.[0]?.Status;
      if (status === "available") return { kind: "ready" };
      if (status === "creating" || status === "copying") return { kind: "waiting" };
      return { kind: "failed", reason: `DB snapshot ${snapshot} is ${status ?? "gone"}` };
    },
    async takenAt(snapshot) {
      const found = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot }));
      const { OriginalSnapshotCreateTime, SnapshotCreateTime } = found.DBSnapshots?.[0] ?? {};
      // Of a copy, the latter is when it was copied.
      return (OriginalSnapshotCreateTime ?? SnapshotCreateTime)?.toISOString();
    },
    async remove(snapshot) {
      try {
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: snapshot }));
      } catch (error) {
        if (errorCode(error) !== "DBSnapshotNotFound" && errorCode(error) !== "DBSnapshotNotFoundFault")
          throw error;
      }
    },
  };
}
