import { basename } from "node:path";
import { RekindleError } from "../../errors.ts";
import { describeEnding, type Finished } from "../process.ts";
import { errorsOf } from "./diagnostics.ts";
import type { TerraformEvent } from "./events.ts";
import { stateLocation } from "./state.ts";

export interface FailedStep {
  binary: string;
  verb: string;
  dir: string;
  finished: Finished;
  events: readonly TerraformEvent[];
}

/** The step, how it ended, the next move; Terraform's own errors as details. */
export async function terraformFailed(step: FailedStep): Promise<RekindleError> {
  const { binary, verb, dir, finished, events } = step;
  const tool = basename(binary);
  const { ending } = finished;
  if (ending.kind === "not-started") {
    return new RekindleError(
      "missing-tool",
      `${JSON.stringify(binary)} could not start: ${ending.reason}; run \`rekindle doctor\`, which says how to install it`,
    );
  }
  const errors = errorsOf(events, finished.stderr);
  const said = errors.join("\n");
  const move = lockMove(said, tool, dir) ?? bucketMove(said) ?? (await usualMove(verb, dir));
  return new RekindleError(
    "tool-failed",
    `${tool} ${verb} of ${basename(dir)} ${describeEnding(ending)}; ${move}`,
    {
      details: errors.flatMap((error) => error.split("\n")),
    },
  );
}

/** Nothing is said to be safe that Rekindle cannot see: who holds the lock may be on another machine. */
function lockMove(said: string, tool: string, dir: string): string | undefined {
  if (!/acquiring the state lock/i.test(said)) return undefined;
  const field = (name: string) => new RegExp(`^\\s*${name}:\\s*(\\S.*?)\\s*$`, "m").exec(said)?.[1];
  const id = field("ID");
  if (id === undefined)
    return "someone else holds the state's lock: wait until they are done, then run the same command again";
  const holder = `${field("Who") ?? "someone unknown"} holds the state's lock since ${field("Created") ?? "an unknown time"}`;
  return (
    `${holder} (${field("Operation") ?? "unknown operation"}, lock ${id}): wait if that run is alive; ` +
    `if it was killed, remove its lock with \`${tool} -chdir=${dir} force-unlock -force ${id}\`, then run the same command again`
  );
}

function bucketMove(said: string): string | undefined {
  if (!/S3 bucket "[^"]*" does not exist|NoSuchBucket/.test(said)) return undefined;
  const bucket = /bucket "([^"]+)"/i.exec(said)?.[1];
  return (
    `the bucket ${bucket === undefined ? "that keeps the state" : JSON.stringify(bucket)} does not exist: ` +
    "deploy the environment's foundation first, or correct the account and region that this shell uses"
  );
}

async function usualMove(verb: string, dir: string): Promise<string> {
  if (verb === "apply" || verb === "destroy") {
    return `correct what the lines below name, then run the same command again: it resumes from the state in ${await stateLocation(dir)}`;
  }
  return "correct what the lines below name, then run the same command again";
}
