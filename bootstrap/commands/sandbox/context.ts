import type { Clock } from "../../edges/clock.ts";
import { type EngineChoice, findSandbox, type Sandbox } from "../../edges/sandbox.ts";
import { RekindleError } from "../../errors.ts";

export interface SandboxContext {
  stateDir: string;
  /** The bundled gateway. */
  gatewayScript: string;
  /** Where an engine keeps what outlives a sandbox. */
  engineCache: string;
  clock: Clock;
  /** What `--engine auto` takes here, with a sentence for each better engine. */
  bestEngine(): Promise<{ engine: EngineChoice; passedOver: string[] }>;
  /** The emulator's command, installed when need be. */
  moto(): Promise<string[]>;
  /** Rekindle's own Terraform CLI configuration, if it wrote one. */
  terraformCliConfig(): Promise<string | undefined>;
  environment: { name: string; primary: string; recovery: string; account: string };
  /** Makes what no stack can make for itself: the bucket of Terraform's state. Safe to call again. */
  prepare(endpoint: string): Promise<void>;
  /** Results, on standard output. */
  print(line: string): void;
  /** Progress, on standard error: `eval` must not read it. */
  tell(line: string): void;
}

/** The sandbox that runs, for commands that make no sense without one. */
export async function runningSandbox({ stateDir, clock }: SandboxContext): Promise<Sandbox> {
  const sandbox = await findSandbox(stateDir, clock);
  if (sandbox !== undefined) return sandbox;
  throw new RekindleError("unreachable", "no sandbox runs here; start one with: rekindle sandbox start");
}
