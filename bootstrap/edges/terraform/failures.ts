import { basename } from "node:path";
import { RekindleError } from "../../errors.ts";
import { describeEnding, type Ending, type Finished } from "../process.ts";
import { errorsOf } from "./diagnostics.ts";
import type { TerraformEvent } from "./events.ts";
import { type Lock, lockIn } from "./lock.ts";
import { stateLocation } from "./state.ts";

export interface FailedStep {
  binary: string;
  verb: string;
  dir: string;
  finished: Finished;
  events: readonly TerraformEvent[];
  /** The lock that it left and that was removed after it. */
  released: Lock | undefined;
  /** Whether the user asked it to stop. */
  stopped: boolean;
}

/** The step, how it ended, the next move; Terraform's own errors as details. */
export async function terraformFailed(step: FailedStep): Promise<RekindleError> {
  const { binary, verb, dir, finished, events, released } = step;
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
  const move = lockMove(said, tool, dir) ?? bucketMove(said) ?? (await usualMove(step));
  return new RekindleError(
    "tool-failed",
    `${tool} ${verb} of ${basename(dir)} ${describeEnding(ending)}; ${move}`,
    {
      details: [...errors.flatMap((error) => error.split("\n")), ...afterKill(ending, released)],
    },
  );
}

/** Nothing is said to be safe that Rekindle cannot see: who holds the lock may be on another machine. */
function lockMove(said: string, tool: string, dir: string): string | undefined {
  if (!/acquiring the state lock/i.test(said)) return undefined;
  const lock = lockIn(said);
  if (lock === undefined)
    return "someone else holds the state's lock: wait until they are done, then run the same command again";
  return (
    `${lock.who} holds the state's lock since ${lock.created} (${lock.operation}, lock ${lock.id}): wait if that run is alive; ` +
    `if it was killed, remove its lock with \`${tool} -chdir=${dir} force-unlock -force ${lock.id}\`, then run the same command again`
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

async function usualMove({ verb, dir, finished, stopped }: FailedStep): Promise<string> {
  const again =
    verb === "apply" || verb === "destroy"
      ? `: it resumes from the state in ${await stateLocation(dir)}`
      : "";
  const first =
    finished.ending.kind === "killed"
      ? ""
      : stopped
        ? "it was asked to stop and kept its state; "
        : "correct what the lines below name, then ";
  return `${first}run the same command again${again}`;
}

/** What is known of the state after a kill that gave Terraform no time to write it. */
function afterKill(ending: Ending, released: Lock | undefined): string[] {
  if (ending.kind !== "killed") return [];
  return [
    ...(released === undefined ? [] : [`the lock ${released.id}, which it left on the state, was removed`]),
    "terraform writes a state in S3 every 20 seconds: what it made after the last time is not in it, and has to be removed or imported by hand when the next run says that it exists",
  ];
}
