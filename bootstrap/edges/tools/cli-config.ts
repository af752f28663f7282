import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ToolContext } from "./context.ts";
import type { Found } from "./finding.ts";
import { downloadFolder, type ProviderSource } from "./provider.ts";
import { registryHost } from "./provider-mirror.ts";
import { flavourOf } from "./terraform.ts";

/** The CLI configuration for a source: the user's own file untouched, or one of Rekindle's, written anew each time. */
export async function writeCliConfig(
  context: ToolContext,
  terraform: Found,
  source: ProviderSource,
): Promise<string> {
  if (source.kind === "user") return source.config;
  const path = join(context.stateDir, "terraform.rc");
  if (source.kind === "registry") await mkdir(downloadFolder(context), { recursive: true });
  await mkdir(dirname(path), { recursive: true });
  // Renamed into place: a Terraform that starts meanwhile never reads half a file.
  await writeFile(`${path}.${process.pid}`, cliConfig(context, terraform, source));
  await rename(`${path}.${process.pid}`, path);
  return path;
}

function cliConfig(
  context: ToolContext,
  terraform: Found,
  source: Exclude<ProviderSource, { kind: "user" }>,
): string {
  if (source.kind === "registry") {
    // Stacks are synthesized without a lock file; without the second line Terraform downloads again for each of them.
    return [
      `plugin_cache_dir = ${quote(downloadFolder(context))}`,
      "plugin_cache_may_break_dependency_lock_file = true",
      "",
    ].join("\n");
  }
  const provider = quote(`${registryHost[flavourOf(terraform)]}/hashicorp/aws`);
  return [
    "provider_installation {",
    "  filesystem_mirror {",
    `    path    = ${quote(source.folder)}`,
    `    include = [${provider}]`,
    "  }",
    "  direct {",
    `    exclude = [${provider}]`,
    "  }",
    "}",
    "",
  ].join("\n");
}

function quote(text: string): string {
  return JSON.stringify(text);
}
