import type { ToolContext } from "./context.ts";
import { type Finding, isAtLeast } from "./finding.ts";
import { installCommand } from "./install.ts";

const needs = "20.9.0";

/** The Node that runs this, not the one on PATH. */
export async function findNode(context: ToolContext): Promise<Finding> {
  const version = context.nodeVersion;
  const path = process.execPath;
  if (isAtLeast(version, needs)) return { tool: "node", kind: "found", version, path };
  return { tool: "node", kind: "too-old", version, needs, path, install: installCommand(context, "node") };
}
