import {
  CopyDBSnapshotCommand,
  CreateDBSnapshotCommand,
  type DBSnapshot,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";
import { tagList } from "./images.ts";
import type { SnapshotCopies } from "./snapshots.ts";

/** Snapshots of RDS instances in one region. A copy has the name of its source. */
export interface DatabaseSnapshots extends SnapshotCopies {
  take(instance: string, snapshot: string, label: Record<string, string>): Promise<void>;
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
          SourceDBSnapshotIdentifier: `arn:aws:rds:${source.region}:${source.account}:snapshot:${source.snapshot}`,
          TargetDBSnapshotIdentifier: source.snapshot,
          KmsKeyId: encryptionKey,
          Tags: tagList(label),
        }),
      );
      return source.snapshot;
    },
    async state(snapshot) {
      const found = await describe(snapshot);
      const status = found?.Status;
      if (status === "available") return { kind: "ready" };
      if (status === "creating" || status === "copying" || status === "pending")
        return { kind: "waiting", percent: found?.PercentProgress ?? 0 };
      return { kind: "failed", reason: `DB snapshot ${snapshot} in ${region} is ${status ?? "gone"}` };
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
    async remove(snapshot) {
      try {
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: snapshot }));
      } catch (error) {
        if (!isNotThere(error)) throw error;
      }
    },
  };
}

function isNotThere(error: unknown): boolean {
  return ["DBSnapshotNotFound", "DBSnapshotNotFoundFault"].includes(errorCode(error));
}
