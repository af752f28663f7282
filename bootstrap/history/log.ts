import type { HistoryRecord } from "../release/history.ts";

/** How one boot of one server went: `reports/<role>/<server>-<instance>.json`, written by the server itself. */
export interface BootReport {
  version: 1;
  environment: string;
  role: string;
  /** The role's name for the servers of a fleet, which have none of their own. */
  server: string;
  /** None on a server that is none of EC2's. */
  instance: string | null;
  region: string;
  /** The release that it runs since; none when its first boot failed. */
  release: string | null;
  /** The release that it was to run. */
  pinned: string;
  /** The one that it ran before. */
  previous: string | null;
  outcome: "healthy" | "unchanged" | "rolled-back" | "failed";
  message: string;
  startedAt: string;
  finishedAt: string;
  steps: { name: string; milliseconds: number }[];
}

/** A server that runs a release by the report of its latest boot, and how that boot ended. */
export type RunningServer = Pick<
  BootReport,
  "role" | "server" | "instance" | "region" | "outcome" | "finishedAt"
>;

/** One move of the pointer, and where its release runs now; nowhere when `servers` is empty. */
export interface LogEntry extends HistoryRecord {
  servers: RunningServer[];
}

/** Joins what the regions hold: the same records and, since reports are replicated, the same reports twice. */
export function assembleLog(records: readonly HistoryRecord[], reports: readonly BootReport[]): LogEntry[] {
  const latest = latestReports(reports);
  const byIdentity = new Map(records.map((record) => [`${record.at} ${record.release}`, record]));
  return [...byIdentity.values()]
    .sort((a, b) => descending(a.at, b.at) || descending(a.release, b.release))
    .map((record) => ({
      ...record,
      servers: latest.filter(({ release }) => release === record.release).map(runningServer),
    }));
}

/** A fixed server has one body at a time, so that a later instance takes its place; a fleet has many. */
function latestReports(reports: readonly BootReport[]): BootReport[] {
  const latest = new Map<string, BootReport>();
  for (const report of reports) {
    const { region, role, server, instance } = report;
    const body = [region, role, server, ...(server === role ? [instance] : [])].join(" ");
    const other = latest.get(body);
    if (other === undefined || Date.parse(report.finishedAt) > Date.parse(other.finishedAt))
      latest.set(body, report);
  }
  return [...latest.entries()].sort(([a], [b]) => descending(b, a)).map(([, report]) => report);
}

function runningServer({ role, server, instance, region, outcome, finishedAt }: BootReport): RunningServer {
  return { role, server, instance, region, outcome, finishedAt };
}

function descending(a: string, b: string): number {
  return a === b ? 0 : a < b ? 1 : -1;
}
