import type { ToolContext } from "./context.ts";
import type { Finding } from "./finding.ts";
import { findProgram } from "./program.ts";

export function findGit(context: ToolContext): Promise<Finding> {
  return findProgram(context, { tool: "git", names: ["git"], needs: "2.20", package: "git" });
}
