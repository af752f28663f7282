import type { Status } from "./database.ts";

/** What is known better here than in the emulator, which does everything at once. */
export interface Known {
  status: Status;
  /** Up to when it can be restored; nothing when it has no backup, and `now` as long as it runs. */
  restorable: Date | "now" | undefined;
}

/** An answer of RDS with the instances' own statuses in it. */
export function withKnown(xml: string, knownOf: (identifier: string) => Known | undefined): string {
  return xml.replaceAll(/<DBInstance>.*?<\/DBInstance>/gs, (instance) => {
    const known = knownOf(/<DBInstanceIdentifier>([^<]*)</.exec(instance)?.[1] ?? "");
    if (known === undefined) return instance;
    const told = instance
      .replace(/<DBInstanceStatus>[^<]*</, () => `<DBInstanceStatus>${known.status}<`)
      // The emulator takes what was restored to a moment for a replica of its source.
      .replace(/<ReadReplicaSourceDBInstanceIdentifier>[^<]*<\/ReadReplicaSourceDBInstanceIdentifier>/, "");
    const { restorable } = known;
    if (restorable === "now") return told;
    const time =
      restorable === undefined
        ? ""
        : `<LatestRestorableTime>${restorable.toISOString()}</LatestRestorableTime>`;
    return told.replace(/<LatestRestorableTime>[^<]*<\/LatestRestorableTime>/, () => time);
  });
}
