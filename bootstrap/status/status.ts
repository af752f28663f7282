import type { DataSetStatus } from "./data-sets.ts";
import { type Outcome, type StatusCheck, worst } from "./outcome.ts";
import type { LastRehearsal } from "./rehearsal.ts";

/** One region of an environment: how old its data is there, and, where one would rebuild, whether that would work. */
export interface RegionStatus {
  region: string;
  dataSets: DataSetStatus[];
  recovery?: { outcome: Outcome; checks: StatusCheck[] };
}

/** One environment, as it could be recovered now. */
export interface EnvironmentStatus {
  environment: string;
  /** The worst of all that follows. */
  outcome: Outcome;
  objectives: { rpoSeconds: number; rtoSeconds: number };
  rehearsal: { check: StatusCheck; last?: LastRehearsal };
  regions: RegionStatus[];
}

/** What `rekindle status` tells. Times and ages are by AWS's clock, never by this machine's. */
export interface Status {
  version: 1;
  /** ISO 8601, UTC; absent when no region told its time. */
  at?: string;
  /** How far this machine's clock is ahead of AWS's. */
  clockAheadSeconds?: number;
  /** The worst of all environments'. */
  outcome: Outcome;
  environments: EnvironmentStatus[];
}

export function environmentOutcome({ rehearsal, regions }: Omit<EnvironmentStatus, "outcome">): Outcome {
  return worst([
    rehearsal.check.outcome,
    ...regions.flatMap(({ dataSets, recovery }) => [
      ...dataSets.map(({ outcome }) => outcome),
      ...(recovery === undefined ? [] : [recovery.outcome]),
    ]),
  ]);
}

/** What did not pass, one sentence each, for the message that ends the command. */
export function complaints({ environments }: Status): { outcome: Outcome; text: string }[] {
  return environments
    .flatMap(({ environment, rehearsal, regions }) => [
      { outcome: rehearsal.check.outcome, text: `${environment}: rehearsal: ${rehearsal.check.found}` },
      ...regions.flatMap(({ region, dataSets, recovery }) => [
        ...dataSets.map(({ name, outcome, found }) => ({
          outcome,
          text: `${environment}: data of ${name} in ${region}: ${found}`,
        })),
        ...(recovery?.checks ?? []).map(({ name, outcome, found }) => ({
          outcome,
          text: `${environment}: ${name} in ${region}: ${found}`,
        })),
      ]),
    ])
    .filter(({ outcome }) => outcome !== "passed");
}
