import type { Topology } from "../config/schema.ts";
import type { Pins } from "./pins.ts";

/** A stack's pins, or the reasons why there are none: then the stack refuses to deploy, and says them. */
export type Resolved = { kind: "pinned"; pins: Pins } | { kind: "refused"; reasons: string[] };

/**
 * What the stacks are synthesized from: one file, written by `rekindle synth-input`
 * and read by `stacks/main.ts`, which looks at nothing else.
 */
export interface SynthesisInput {
  version: 1;
  topology: Topology;
  primary: Resolved;
  recovery: Resolved;
}
