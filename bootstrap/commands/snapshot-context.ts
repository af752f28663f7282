import type { Freeze } from "../config/quiesce-schema.ts";
import type { Topology } from "../config/schema.ts";
import type { Account } from "../edges/aws/account.ts";
import type { LiveServer, SnapshotState } from "../edges/aws/snapshots.ts";
import type { HostShell } from "../edges/hosts/host-shell.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import type { DataSet } from "../recovery/point.ts";
import type { PointPlace } from "./copy-point.ts";

/** How a live server's shell is reached. The user's wish to stop does not end it: what was frozen must be thawed. */
export type ShellOf = (server: LiveServer, via: Freeze["via"], timeoutMs: number) => HostShell;

export interface SnapshotContext extends Patience {
  topology: Topology;
  account: Account;
  primary: PointPlace;
  recovery: PointPlace;
  /** Further places that get copies; none when left out. */
  further?: readonly PointPlace[];
  shellOf: ShellOf;
  /** Crash consistency is acceptable this time, whatever the environment says. */
  allowCrash?: boolean | undefined;
  /** How long to wait for another snapshot of this environment before leaving; it leaves at once when left out. */
  waitMs?: number | undefined;
  print(line: string): void;
}

/** What a data set still lacks; a part that failed adds its reason to the point and stops no other part. */
export interface Part<S extends DataSet = DataSet> {
  set: S;
  faults: string[];
}

const snapshotLimitSeconds = 6 * 60 * 60;

export function available(
  context: SnapshotContext,
  what: string,
  look: () => Promise<SnapshotState>,
): Promise<void> {
  return waitFor(context, what, snapshotLimitSeconds, async () => {
    const state = await look();
    return state.kind === "ready" ? { kind: "ready", value: undefined } : state;
  });
}

export async function collectFaults(what: string, work: () => Promise<void>): Promise<string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    return [`${what}: ${(error as Error).message}`];
  }
}
