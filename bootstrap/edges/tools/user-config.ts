import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { run, succeeded } from "../process.ts";
import type { ToolContext } from "./context.ts";
import type { Found } from "./finding.ts";
import { flavourOf } from "./terraform.ts";

/**
 * The user's CLI configuration, when Terraform reads it without complaint and it says how to install providers.
 * One that does not say so is left out: the stacks need nothing else from it, and credentials stay where they are.
 */
export async function userConfiguration(context: ToolContext, terraform: Found): Promise<string | undefined> {
  for (const path of configurationPaths(context, terraform)) {
    const text = await readText(path);
    if (text === undefined) continue;
    return /^\s*"?provider_installation\b/m.test(text) && (await isReadable(context, terraform, path))
      ? path
      : undefined;
  }
  return undefined;
}

/** TF_CLI_CONFIG_FILE hides the others even when it names nothing, as in Terraform itself; what it names is checked. */
function configurationPaths({ env }: ToolContext, terraform: Found): string[] {
  const home = env.HOME ?? "";
  if (env.TF_CLI_CONFIG_FILE) return [env.TF_CLI_CONFIG_FILE];
  return [...(flavourOf(terraform) === "opentofu" ? [".tofurc"] : []), ".terraformrc"].map((name) =>
    join(home, name),
  );
}

/** Terraform goes on after a broken configuration and only complains, so the complaint is looked for. */
async function isReadable(context: ToolContext, terraform: Found, path: string): Promise<boolean> {
  const env = { ...context.env, CHECKPOINT_DISABLE: "1", TF_CLI_CONFIG_FILE: path };
  const finished = await run(terraform.path, ["version"], { env, cwd: context.root, timeoutMs: 15_000 });
  return (
    succeeded(finished) && !/problems with the CLI configuration/i.test(finished.stdout + finished.stderr)
  );
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
