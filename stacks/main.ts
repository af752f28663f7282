import { App } from "cdktf";
import { addStacks } from "./app.ts";
import { readSynthesisInput } from "./input.ts";

/** What `cdktf` runs: reads one file and writes the three stacks where cdktf wants them. */
keepStacksOfErrorsOnly();
const app = new App();
addStacks(app, readSynthesisInput(process.env.REKINDLE_SYNTHESIS_INPUT));
app.synth();

/** cdktf records the call stack of every token, a quarter of the time of a synthesis of 500 servers, for nobody. */
function keepStacksOfErrorsOnly(): void {
  Error.prepareStackTrace = (error: unknown, frames) =>
    error instanceof Error ? [String(error), ...frames.map((frame) => `    at ${frame}`)].join("\n") : "";
}
