/** What a database is restored from to a second, in one region. */
export type BackupSource =
  /** Its automated backup, which was replicated from another region. */
  | { kind: "replicated"; arn: string }
  /** The instance or the cluster itself, in its own region. */
  | { kind: "live"; identifier: string };

/** A database that can be restored to any second of a window, as its region says. Times are ISO 8601, UTC. */
export interface Restorable {
  database: string;
  source: BackupSource;
  from: string;
  /** The latest restorable time. */
  until: string;
}

export function describeSource(source: BackupSource): string {
  return source.kind === "replicated" ? `automated backup ${source.arn}` : `the log of ${source.identifier}`;
}
