import type { AwsAccess } from "../edges/aws/access.ts";
import { systemClock } from "../edges/clock.ts";
import { Stopwatch } from "../edges/stopwatch.ts";
import { RekindleError } from "../errors.ts";

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

/** How to reach the AWS that the shell's environment describes. */
export function awsAccessOfShell({ stopwatch }: Running): AwsAccess {
  const endpoint = process.env.AWS_ENDPOINT_URL;
  if (endpoint === undefined || endpoint === "") return { stopwatch };
  if (URL.canParse(endpoint)) return { stopwatch, endpoint };
  throw new RekindleError(
    "bad-input",
    `AWS_ENDPOINT_URL is ${JSON.stringify(endpoint)}, which is no URL; unset it, or run: eval "$(npx rekindle sandbox env)"`,
  );
}

/** True when the shell's AWS is on this machine, as no real one is. */
export function isSandbox(): boolean {
  return /^http:\/\/(127\.|localhost[:/]|\[::1\])/.test(process.env.AWS_ENDPOINT_URL ?? "");
}
