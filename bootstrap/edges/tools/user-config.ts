import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { run, succeeded } from "../process.ts";
import type { ToolContext } from "./context.ts";
import type { Found } from "./finding.ts";
import { holdsProvider, registryService } from "./provider-mirror.ts";
import { flavourOf } from "./terraform.ts";

/**
 * The user's CLI configuration, when Terraform reads it without complaint and the provider can come from where it says.
 * One that says nothing of providers is left out: the stacks need nothing else from it, and credentials stay where they
 * are. One that leads nowhere must not stop a machine that has the provider elsewhere.
 */
export async function userConfiguration(context: ToolContext, terraform: Found): Promise<string | undefined> {
  for (const path of configurationPaths(context, terraform)) {
    const text = await readText(path);
    if (text === undefined) continue;
    const isOfUse =
      /^\s*"?provider_installation\b/m.test(text) &&
      (await isReadable(context, terraform, path)) &&
      (await leadsToProvider(context, terraform, text));
    return isOfUse ? path : undefined;
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

/** A network mirror and an override of developers are believed; a folder and the registry are looked at. */
async function leadsToProvider(context: ToolContext, terraform: Found, text: string): Promise<boolean> {
  const said = text.replace(/^\s*(#|\/\/).*$/gm, "");
  if (/\b(network_mirror|dev_overrides)\b/.test(said)) return true;
  const flavour = flavourOf(terraform);
  for (const [, folder] of said.matchAll(/\bfilesystem_mirror\b[^}]*?\bpath"?\s*[=:]\s*"([^"]*)"/g)) {
    if (await holdsProvider(context, resolve(context.root, folder!), flavour)) return true;
  }
  return /\bdirect\b/.test(said) && (await context.reaches(registryService(flavour)));
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
