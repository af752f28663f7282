import { writeCliConfig } from "./cli-config.ts";
import type { ToolContext } from "./context.ts";
import { demandFound, missingTool } from "./finding.ts";
import { providerSource } from "./provider.ts";
import { findTerraform } from "./terraform.ts";

/** What `terraformIn` needs: the program, and a CLI configuration with which it gets the AWS provider. */
export async function ensureTerraform(context: ToolContext): Promise<{ binary: string; cliConfig: string }> {
  const terraform = demandFound(await findTerraform(context));
  const source = await providerSource(context, terraform);
  if (source.kind === "missing") throw missingTool(source);
  return { binary: terraform.path, cliConfig: await writeCliConfig(context, terraform, source) };
}
