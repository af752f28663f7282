import type { ToolContext } from "./context.ts";
import { type Finding, isAtLeast, versionIn } from "./finding.ts";
import { installCommand } from "./install.ts";
import { ask, onPath } from "./program.ts";

const needs = "1.10.0";

/** Which of the two: they ask different registries for the same provider. */
export type Flavour = "terraform" | "opentofu";

/** Terraform, else OpenTofu; REKINDLE_TERRAFORM names one and then no other is looked for. */
export async function findTerraform(context: ToolContext): Promise<Finding> {
  const tool = "terraform";
  const named = context.env.REKINDLE_TERRAFORM;
  const names = named ? [named] : ["terraform", "tofu"];
  const install = installCommand(context, "terraform");
  const where = named
    ? `REKINDLE_TERRAFORM names ${JSON.stringify(named)}, which is no program`
    : "no terraform or tofu on PATH";
  let unfit: Finding = { tool, kind: "missing", reason: where, install };
  for (const name of names) {
    const path = await onPath(context, name);
    if (path === undefined) continue;
    const said = await askVersion(context, path);
    const version = versionIn(said ?? "");
    if (version === undefined)
      unfit = { tool, kind: "missing", reason: `${path} does not tell its version`, install };
    else if (!isAtLeast(version, needs)) unfit = { tool, kind: "too-old", version, needs, path, install };
    else
      return {
        tool,
        kind: "found",
        version,
        path,
        note: said!.startsWith("OpenTofu") ? "OpenTofu" : "Terraform",
      };
  }
  return unfit;
}

/** The flavour of what `findTerraform` found. */
export function flavourOf({ note }: { note?: string }): Flavour {
  return note === "OpenTofu" ? "opentofu" : "terraform";
}

/** With an empty CLI configuration: a broken one on this machine must not hide a Terraform that is there. */
function askVersion(context: ToolContext, path: string): Promise<string | undefined> {
  const env = {
    ...context.env,
    CHECKPOINT_DISABLE: "1",
    TF_CLI_CONFIG_FILE: context.platform === "win32" ? "NUL" : "/dev/null",
  };
  return ask(context, path, ["version"], env);
}
