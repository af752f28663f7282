import type { ToolContext } from "./context.ts";
import type { Finding } from "./finding.ts";
import { findProgram } from "./program.ts";

/** Checks user-data against cloud-init's own schema in `rekindle validate`. */
export function findCloudInit(context: ToolContext): Promise<Finding> {
  return findProgram(context, {
    tool: "cloud-init",
    names: ["cloud-init"],
    needs: "22.2",
    package: "cloud-init",
  });
}

/** Checks the boot script in the tests. */
export function findShellcheck(context: ToolContext): Promise<Finding> {
  return findProgram(context, {
    tool: "shellcheck",
    names: ["shellcheck"],
    needs: "0.7",
    package: "shellcheck",
  });
}

/** For looking around in the sandbox; older ones do not know AWS_ENDPOINT_URL. */
export function findAwsCli(context: ToolContext): Promise<Finding> {
  return findProgram(context, { tool: "aws", names: ["aws"], needs: "1.29.21", package: "aws" });
}
