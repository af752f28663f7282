import { join, resolve } from "node:path";
import type { ToolContext } from "./context.ts";
import type { Finding, Found, Missing } from "./finding.ts";
import {
  holdsProvider,
  providerVersion,
  registryHost,
  registryService,
  searchMirrors,
  terraformPlatform,
} from "./provider-mirror.ts";
import { flavourOf } from "./terraform.ts";
import { userConfiguration } from "./user-config.ts";

/** Where Terraform will get the AWS provider from. */
export type ProviderSource =
  /** The user's own CLI configuration says how to install providers: it is used as it is. */
  { kind: "user"; config: string } | { kind: "mirror"; folder: string } | { kind: "registry"; host: string };

const tool = "aws provider";

/**
 * What is chosen, first match first:
 * 1. REKINDLE_PROVIDER_MIRROR, because somebody said so for Rekindle; when it does not hold the provider nothing else is tried.
 * 2. The user's own CLI configuration, when Terraform can read it and the provider is where it says.
 * 3. A mirror in Terraform's implied folders, then below the system's add-on folders: no download, no network.
 * 4. The registry; downloaded once into Rekindle's own folder, for all stacks.
 * 5. What an earlier download left there, when the registry does not answer any more.
 */
export async function providerSource(
  context: ToolContext,
  terraform: Found,
): Promise<ProviderSource | Missing> {
  const flavour = flavourOf(terraform);
  const named = context.env.REKINDLE_PROVIDER_MIRROR;
  if (named) {
    const folder = resolve(context.root, named);
    if (await holdsProvider(context, folder, flavour)) return { kind: "mirror", folder };
    return missing(
      context,
      terraform,
      `REKINDLE_PROVIDER_MIRROR names ${JSON.stringify(named)}, which does not hold it`,
    );
  }
  const config = await userConfiguration(context, terraform);
  if (config !== undefined) return { kind: "user", config };
  const mirror = await searchMirrors(context, flavour);
  if (mirror !== undefined) return { kind: "mirror", folder: mirror };
  const host = registryHost[flavour];
  if (await context.reaches(registryService(flavour))) return { kind: "registry", host };
  const downloaded = downloadFolder(context);
  if (await holdsProvider(context, downloaded, flavour)) return { kind: "mirror", folder: downloaded };
  return missing(context, terraform, `${host} does not answer, and no mirror on this machine holds it`);
}

export async function findProvider(context: ToolContext, terraform: Finding): Promise<Finding> {
  if (terraform.kind !== "found") {
    return {
      tool,
      kind: "missing",
      reason: "it is looked for when terraform is there",
      install: "install terraform first",
    };
  }
  const source = await providerSource(context, terraform);
  const found = { tool, kind: "found", version: providerVersion } as const;
  switch (source.kind) {
    case "missing":
      return source;
    case "user":
      return { ...found, path: source.config, note: "as this CLI configuration says" };
    case "mirror":
      return { ...found, path: source.folder, note: "mirror" };
    case "registry":
      return {
        ...found,
        path: source.host,
        note: `not on this machine yet: downloaded into ${downloadFolder(context)} on first use`,
      };
  }
}

/** A download lies in the layout of a mirror, so that it can serve as one later. */
export function downloadFolder(context: ToolContext): string {
  return join(context.stateDir, "providers");
}

function missing(context: ToolContext, terraform: Found, reason: string): Missing {
  const host = registryHost[flavourOf(terraform)];
  const platform = terraformPlatform(context);
  return {
    tool,
    kind: "missing",
    reason: `hashicorp/aws ${providerVersion} for ${platform}: ${reason}`,
    install:
      `give this machine a way to https://${host}, or copy the provider to ` +
      `~/.terraform.d/plugins/${host}/hashicorp/aws/${providerVersion}/${platform}/, or name a mirror in REKINDLE_PROVIDER_MIRROR`,
  };
}
