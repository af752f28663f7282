import type { App } from "cdktf";
import type { SynthesisInput } from "../bootstrap/recovery/synthesis.ts";
import { EnvironmentStack } from "./environment-stack.ts";
import { FoundationStack } from "./foundation-stack.ts";

/** The foundation, and the same stack twice: primary and recovery differ in their input and in nothing else. */
export function addStacks(app: App, { topology, primary, recovery }: SynthesisInput): void {
  new FoundationStack(app, topology);
  new EnvironmentStack(app, { topology, site: "primary", resolved: primary });
  new EnvironmentStack(app, { topology, site: "recovery", resolved: recovery });
}
