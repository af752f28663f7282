import type { Topology } from "../config/schema.ts";
import type { AwsAccess } from "../edges/aws/access.ts";
import { systemClock } from "../edges/clock.ts";
import { type Cloud, connectCloud } from "../edges/cloud.ts";
import { Stopwatch } from "../edges/stopwatch.ts";

/** What every long-running command shares: a clock, a stopwatch, and a signal that asks it to stop. */
export interface Running {
  clock: typeof systemClock;
  stopwatch: Stopwatch;
  signal: AbortSignal;
}

/** The first interrupt asks commands to stop and clean up; the second one ends the program at once. */
export function running(): Running {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  }
  return { clock: systemClock, stopwatch: new Stopwatch(systemClock), signal: controller.signal };
}

/** AWS as the shell's environment describes it: the user's own account, or the sandbox of `rekindle sandbox env`. */
export function cloudOfShell(topology: Topology, running: Running): Cloud {
  return connectCloud(awsAccessOfShell(running), topology);
}

export function awsAccessOfShell({ stopwatch }: Running): AwsAccess {
  const endpoint = process.env.AWS_ENDPOINT_URL;
  return { stopwatch, ...(endpoint === undefined || endpoint === "" ? {} : { endpoint }) };
}

/** True when the shell's AWS is on this machine, as no real one is. */
export function isSandbox(): boolean {
  return /^http:\/\/(127\.|localhost[:/]|\[::1\])/.test(process.env.AWS_ENDPOINT_URL ?? "");
}

/** A sandbox's AWS, whatever the shell's environment says. `variables` are the sandbox's own. */
export function cloudOfSandbox(
  topology: Topology,
  variables: Record<string, string>,
  stopwatch: Stopwatch,
): Cloud {
  const endpoint = variables.AWS_ENDPOINT_URL!;
  const credentials = {
    accessKeyId: variables.AWS_ACCESS_KEY_ID!,
    secretAccessKey: variables.AWS_SECRET_ACCESS_KEY!,
  };
  return connectCloud({ endpoint, credentials, stopwatch }, topology);
}
