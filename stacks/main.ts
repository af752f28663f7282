import { App } from "cdktf";
import { addStacks } from "./app.ts";
import { readSynthesisInput } from "./input.ts";

/** What `cdktf` runs: reads one file and writes the three stacks where cdktf wants them. */
const app = new App();
addStacks(app, readSynthesisInput(process.env.REKINDLE_SYNTHESIS_INPUT));
app.synth();
