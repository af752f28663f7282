import type { DataInUse } from "../../bootstrap/restore/data-in-use.ts";
import type { LiveVolume, RunningServer } from "../../bootstrap/restore/live-volume.ts";

export const aServer: RunningServer = { instance: "i-1", server: "db-0", role: "db", zone: "eu-west-1a" };

/** A data volume that is attached at /dev/sdf. */
export function aVolume(changes: Partial<LiveVolume> = {}): LiveVolume {
  return {
    id: "vol-0",
    state: "in-use",
    zone: "eu-west-1a",
    sizeGiB: 10,
    type: "gp3",
    iops: 4000,
    throughputMiBps: 250,
    keyArn: "arn:aws:kms:eu-west-1:123456789012:key/k",
    tags: { Name: "shop-db-0-data-0", "rekindle:server": "db-0", "rekindle:volume": "data-0" },
    attachment: { instance: "i-1", device: "/dev/sdf", state: "attached" },
    ...changes,
  };
}

export function someData(changes: Partial<DataInUse> = {}): DataInUse {
  return {
    now: "2026-11-24T15:12:00.000Z",
    mount: "/var/lib/postgresql",
    isMounted: true,
    services: ["shop-db.service"],
    users: [{ pid: 7, unit: "shop-db.service", command: "postgres" }],
    newer: {
      kind: "some",
      files: 12,
      isCounted: true,
      newest: { at: "2026-11-24T15:11:59.000Z", path: "/var/lib/postgresql/15/main/pg_wal/1" },
    },
    ...changes,
  };
}
