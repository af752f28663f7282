import { HostFailure } from "../collect/failure.ts";
import { inParallel } from "../collect/in-parallel.ts";
import { RekindleError } from "../errors.ts";
import { judge, type Verdict } from "../history/drift.ts";

/** Runs a script on one server and gives its answer; raises when there is none. */
export type RunThere = (script: string) => Promise<{ code: number; stdout: string; stderr: string }>;

/** A live server, and how a shell on it is reached; or why it can't be. */
export interface ServerToCheck {
  /** As it is reached: a host of ssh, an instance, or what stands for servers that nobody could list. */
  host: string;
  role: string;
  run: RunThere | { unreachable: string };
}

export type CheckedServer = Pick<ServerToCheck, "host" | "role"> & Verdict;

export interface DriftReport {
  version: 1;
  environment: string;
  servers: CheckedServer[];
  /** How many servers got which verdict. */
  count: Record<Verdict["verdict"], number>;
}

/** `program` is a path without spaces: the one of the golden image, unless a test says otherwise. */
export function checkScript(program = "/usr/local/sbin/rekindle-boot"): string {
  return `exec ${program} --check`;
}

/** Asks every server how it differs from its release. One that can't be asked stops no other, and is reported as that. */
export async function findDrift(context: {
  environment: string;
  servers: readonly ServerToCheck[];
  jobs: number;
  script: string;
}): Promise<DriftReport> {
  const { environment, jobs, script } = context;
  const servers = await inParallel(jobs, context.servers, async (server): Promise<CheckedServer> => {
    const { host, role, run } = server;
    if (typeof run !== "function") return { host, role, verdict: "unseen", reason: run.unreachable };
    try {
      return { host, role, ...judge({ environment, role }, await run(script)) };
    } catch (error) {
      return { host, role, verdict: "unseen", reason: reasonOf(error) };
    }
  });
  const count = { none: 0, drift: 0, unseen: 0 };
  for (const { verdict } of servers) count[verdict]++;
  return { version: 1, environment, servers, count };
}

function reasonOf(error: unknown): string {
  const isForeseen = error instanceof HostFailure || error instanceof RekindleError || isAwsError(error);
  if (!isForeseen) throw error;
  return (error as Error).message;
}

function isAwsError(error: unknown): boolean {
  return error instanceof Error && "$metadata" in error;
}
