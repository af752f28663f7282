import {
  EC2Client,
  ModifySnapshotTierCommand,
  paginateDescribeSnapshotTierStatus,
  RestoreSnapshotTierCommand,
} from "@aws-sdk/client-ec2";
import { type AwsAccess, clientConfig, connected } from "./access.ts";

/**
 * Where a volume's snapshot lies: ready for new volumes, on its way into the archive tier, in it, or on its way out of
 * it. `until` is when a thawed one goes back.
 */
export type Tier =
  | { kind: "standard" }
  | { kind: "archiving" }
  | { kind: "archived" }
  | { kind: "thawing" }
  | { kind: "thawed"; until: string };

/** EBS's archive tier in one region. No operation waits: callers do. */
export interface SnapshotArchive {
  /** Snapshot → where it lies; what is not there is left out. */
  tiers(snapshots: readonly string[]): Promise<Map<string, Tier>>;
  archive(snapshot: string): Promise<void>;
  /** Makes an archived one readable for some days, from now on for one that is thawed already. */
  thaw(snapshot: string, days: number): Promise<void>;
}

/** As many values as a filter takes. */
const filterLimit = 200;

export function ebsArchive(access: AwsAccess, region: string): SnapshotArchive {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  return {
    async tiers(snapshots) {
      const found = new Map<string, Tier>();
      for (let at = 0; at < snapshots.length; at += filterLimit) {
        const Filters = [{ Name: "snapshot-id", Values: snapshots.slice(at, at + filterLimit) }];
        for await (const page of paginateDescribeSnapshotTierStatus({ client: ec2 }, { Filters })) {
          for (const status of page.SnapshotTierStatuses ?? []) found.set(status.SnapshotId!, tierOf(status));
        }
      }
      return found;
    },
    async archive(snapshot) {
      await ec2.send(new ModifySnapshotTierCommand({ SnapshotId: snapshot, StorageTier: "archive" }));
    },
    async thaw(snapshot, days) {
      await ec2.send(new RestoreSnapshotTierCommand({ SnapshotId: snapshot, TemporaryRestoreDays: days }));
    },
  };
}

function tierOf(status: {
  StorageTier?: string | undefined;
  LastTieringOperationStatus?: string | undefined;
  RestoreExpiryTime?: Date | undefined;
}): Tier {
  const operation = status.LastTieringOperationStatus ?? "";
  if (status.StorageTier !== "archive")
    return { kind: operation === "archival-in-progress" ? "archiving" : "standard" };
  if (status.RestoreExpiryTime !== undefined)
    return { kind: "thawed", until: status.RestoreExpiryTime.toISOString() };
  return { kind: operation.endsWith("restore-in-progress") ? "thawing" : "archived" };
}
