import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import type { ToolContext } from "./context.ts";
import type { Flavour } from "./terraform.ts";

export const providerVersion = "5.100.0";

/** The registry that each flavour means by `hashicorp/aws`. */
export const registryHost: Record<Flavour, string> = {
  terraform: "registry.terraform.io",
  opentofu: "registry.opentofu.org",
};

/** What answers when that registry can be asked. */
export function registryService(flavour: Flavour): string {
  return `https://${registryHost[flavour]}/.well-known/terraform.json`;
}

/** The first folder below which the provider really lies, for this platform: implied ones, then the system's add-ons. */
export async function searchMirrors(context: ToolContext, flavour: Flavour): Promise<string | undefined> {
  for (const folder of impliedFolders(context, flavour)) {
    if (await holdsProvider(context, folder, flavour)) return folder;
  }
  return searchAddOns(context, flavour);
}

/** Whether a mirror holds the provider, unpacked or packed. A folder of that name with nothing in it does not count. */
export async function holdsProvider(
  context: ToolContext,
  mirror: string,
  flavour: Flavour,
): Promise<boolean> {
  const folder = join(mirror, registryHost[flavour], "hashicorp", "aws");
  const platform = terraformPlatform(context);
  const unpacked = await list(join(folder, providerVersion, platform));
  if (unpacked.some(({ name }) => name.startsWith("terraform-provider-aws"))) return true;
  return hasContent(join(folder, `terraform-provider-aws_${providerVersion}_${platform}.zip`));
}

/** `linux_amd64`, where Node says `linux` and `x64`. */
export function terraformPlatform({ platform, arch }: ToolContext): string {
  const system = platform === "win32" ? "windows" : platform;
  return `${system}_${{ x64: "amd64", ia32: "386" }[arch] ?? arch}`;
}

/** Where Terraform itself looks for mirrors when no configuration says otherwise. */
export function impliedFolders({ env, root, platform }: ToolContext, flavour: Flavour): string[] {
  const home = env.HOME ?? "";
  const data =
    platform === "darwin"
      ? [join(home, "Library", "Application Support"), "/Library/Application Support"].map((base) =>
          join(base, "io.hashicorp.terraform"),
        )
      : [
          env.XDG_DATA_HOME || join(home, ".local", "share"),
          ...(env.XDG_DATA_DIRS || "/usr/local/share:/usr/share").split(delimiter),
        ].flatMap((base) => [
          join(base, "terraform"),
          ...(flavour === "opentofu" ? [join(base, "opentofu")] : []),
        ]);
  return [join(root, "terraform.d"), join(home, ".terraform.d"), ...data].map((folder) =>
    join(folder, "plugins"),
  );
}

/**
 * Level by level, so that a mirror near the top is found before anything deep is read. Bounded in depth and in number;
 * what cannot be read is passed over, and links are not followed.
 */
async function searchAddOns(context: ToolContext, flavour: Flavour): Promise<string | undefined> {
  let level = [...context.addOnFolders];
  let budget = 10_000;
  for (let depth = 0; depth < 5 && level.length > 0; depth++) {
    level = level.slice(0, budget);
    budget -= level.length;
    const below = await Promise.all(level.map(foldersIn));
    for (const folder of below.flat().filter((path) => path.endsWith(`/${registryHost[flavour]}`))) {
      if (await holdsProvider(context, dirname(folder), flavour)) return dirname(folder);
    }
    level = below.flat();
  }
  return undefined;
}

const neverHoldsMirrors = new Set([
  "node_modules",
  "__pycache__",
  "site-packages",
  "dist-packages",
  ".git",
  "include",
  "man",
  "doc",
]);

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await list(folder);
  return entries
    .filter((entry) => entry.isDirectory() && !neverHoldsMirrors.has(entry.name))
    .map(({ name }) => join(folder, name));
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

async function hasContent(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size > 0;
  } catch {
    return false;
  }
}
