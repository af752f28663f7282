import { join } from "node:path";
import { RekindleError } from "../errors.ts";
import { describeEnding, run, succeeded } from "./process.ts";

/** Runs the stacks program on a synthesis input. Returns the folder of one stack's Terraform JSON, by stack name. */
export async function synthesize(
  stacksProgram: string,
  input: string,
  outdir: string,
  env: NodeJS.ProcessEnv,
): Promise<(stack: string) => string> {
  const finished = await run(process.execPath, [stacksProgram], {
    env: { ...env, REKINDLE_SYNTHESIS_INPUT: input, CDKTF_OUTDIR: outdir },
  });
  if (!succeeded(finished)) {
    throw new RekindleError(
      "tool-failed",
      `synthesizing the stacks from ${input} ${describeEnding(finished.ending)}`,
      {
        details: finished.stderr.trim().split("\n").slice(-15),
      },
    );
  }
  return (stack) => join(outdir, "stacks", stack);
}
