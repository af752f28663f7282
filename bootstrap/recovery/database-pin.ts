import { type BackupSource, describeSource } from "./restorable.ts";

/** What a database begins with. */
export type DatabasePin =
  | { kind: "fresh" }
  /** A DB snapshot's identifier, or a DB cluster snapshot's. */
  | { kind: "snapshot"; snapshotId: string }
  /** `restoreTime` is in ISO 8601, UTC, to the second. */
  | { kind: "point-in-time"; source: BackupSource; restoreTime: string };

/** Whether a database comes back with data: a plan of an older Rekindle had pins of no kind, and is not believed. */
export function holdsData(pin: DatabasePin | undefined): boolean {
  return pin?.kind === "snapshot" || pin?.kind === "point-in-time";
}

export function describePin(pin: DatabasePin | undefined): string {
  switch (pin?.kind) {
    case "snapshot":
      return `snapshot ${pin.snapshotId}`;
    case "point-in-time":
      return `${describeSource(pin.source)} at ${pin.restoreTime}`;
    default:
      return "nothing";
  }
}
