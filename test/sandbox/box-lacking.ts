import { spawnSync } from "node:child_process";

/** Why the engine `box` can't be tested on this computer, or undefined when it can. */
export function lackingForBox(): string | undefined {
  if (process.getuid?.() !== 0) return "the engine box needs root";
  if (spawnSync("mmdebstrap", ["--version"]).status !== 0) return "mmdebstrap is not installed";
  return undefined;
}
