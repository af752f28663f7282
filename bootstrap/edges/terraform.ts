import { RekindleError } from "../errors.ts";
import { type Finished, type RunOptions, succeeded } from "./process.ts";
import { type ApplyResult, isDiagnostic, readEvent, type TerraformEvent } from "./terraform/events.ts";
import { terraformFailed } from "./terraform/failures.ts";
import { releaseLockOfTheDead } from "./terraform/lock.ts";
import { runTethered } from "./terraform/tethered.ts";

export type { ApplyResult } from "./terraform/events.ts";

/**
 * Terraform, or OpenTofu, on one synthesized folder at a time. Every operation can be repeated: what an earlier one
 * finished is in the state and is not done again. A failure carries Terraform's own message and the next move.
 */
export interface Terraform {
  readonly binary: string;
  /** The CLI configuration that every run gets; none when Terraform finds its providers by itself. */
  readonly cliConfig: string | undefined;
  /** Binds the folder to its backend and its providers. Never upgrades a provider, never moves a state. */
  init(dir: string): Promise<void>;
  /** `onLine` gets what Terraform tells people, a line at a time. */
  apply(dir: string, onLine?: (line: string) => void): Promise<ApplyResult>;
  hasChanges(dir: string): Promise<boolean>;
  destroy(dir: string, onLine?: (line: string) => void): Promise<ApplyResult>;
  /** Output name → value, sensitive ones included. */
  output(dir: string): Promise<Record<string, unknown>>;
}

export interface TerraformContext {
  binary: string;
  cliConfig: string | undefined;
  /** The environment that Terraform and its providers see: AWS's variables, or the sandbox's. */
  env: NodeJS.ProcessEnv;
  /** Passed on to Terraform as one request to stop; it is then waited for, so that the state is written. */
  signal?: AbortSignal;
  /** How long to wait for a state that someone else has locked. */
  lockTimeoutSeconds?: number;
}

const unattended = ["-input=false", "-no-color"];

export function terraformIn(context: TerraformContext): Terraform {
  const { binary, cliConfig } = context;
  const env = terraformEnvironment(context);
  const locking = [...unattended, `-lock-timeout=${context.lockTimeoutSeconds ?? 60}s`];
  const walking = ["-json", ...locking, "-parallelism=30"];

  async function step(
    dir: string,
    verb: string,
    flags: readonly string[],
    hear?: (event: TerraformEvent) => void,
  ): Promise<Finished> {
    if (context.signal?.aborted)
      throw new RekindleError("tool-failed", `stopped before ${binary} ${verb} in ${dir}`);
    const events: TerraformEvent[] = [];
    const options: RunOptions = {
      cwd: dir,
      env,
      // A group of its own: Ctrl-C in a terminal does not reach it by itself, and a second request would cost its state.
      ...(context.signal === undefined ? {} : { signal: context.signal }),
      onLine: (line) => {
        const event = readEvent(line);
        if (isDiagnostic(event)) events.push(event);
        hear?.(event);
      },
    };
    const finished = await runTethered(binary, [verb, ...flags], options);
    if (succeeded(finished)) return finished;
    // `plan -detailed-exitcode` says "there are changes" with 2.
    if (verb === "plan" && finished.ending.kind === "exited" && finished.ending.code === 2) return finished;
    const released =
      finished.ending.kind === "killed" ? await releaseLockOfTheDead(binary, dir, env) : undefined;
    throw await terraformFailed({
      binary,
      verb,
      dir,
      finished,
      events,
      released,
      stopped: context.signal?.aborted ?? false,
    });
  }

  async function change(
    dir: string,
    verb: "apply" | "destroy",
    onLine?: (line: string) => void,
  ): Promise<ApplyResult> {
    let result: ApplyResult = { added: 0, changed: 0, destroyed: 0 };
    await step(dir, verb, [...walking, "-auto-approve"], (event) => {
      if (event.kind === "summary" && event.operation !== "plan") result = event.result;
      if (event.text !== "") onLine?.(event.text);
    });
    return result;
  }

  return {
    binary,
    cliConfig,
    // The synthesized folder is the truth about its backend: `-reconfigure` follows it and never migrates a state.
    init: async (dir) => void (await step(dir, "init", ["-reconfigure", ...locking])),
    apply: (dir, onLine) => change(dir, "apply", onLine),
    destroy: (dir, onLine) => change(dir, "destroy", onLine),
    async hasChanges(dir) {
      const { ending } = await step(dir, "plan", [...walking, "-detailed-exitcode"]);
      return ending.kind === "exited" && ending.code === 2;
    },
    async output(dir) {
      const { stdout } = await step(dir, "output", ["-json", "-no-color"]);
      const outputs = JSON.parse(stdout) as Record<string, { value: unknown }>;
      return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
    },
  };
}

/**
 * What Terraform sees of the environment: all of it but the variables that would change what a command means.
 * Also for those who start cdktf, which starts Terraform.
 */
export function terraformEnvironment({
  env,
  cliConfig,
}: Pick<TerraformContext, "env" | "cliConfig">): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith("TF_CLI_ARGS") && !strays.has(name));
  return {
    // The provider is the slow part of each run, and much of that is collecting garbage right after it started.
    GOGC: "400",
    ...Object.fromEntries(kept),
    ...(cliConfig === undefined ? {} : { TF_CLI_CONFIG_FILE: cliConfig }),
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
    CHECKPOINT_DISABLE: "1",
  };
}

const strays = new Set([
  "TF_CLI_CONFIG_FILE",
  "TERRAFORM_CONFIG",
  "TF_DATA_DIR",
  "TF_WORKSPACE",
  "TF_LOG",
  "TF_LOG_CORE",
  "TF_LOG_PROVIDER",
  "TF_LOG_PATH",
  "TF_REATTACH_PROVIDERS",
]);
