import type { ToolContext } from "./context.ts";
import { findEmulator } from "./emulator.ts";
import type { Finding } from "./finding.ts";
import { findGit } from "./git.ts";
import { findNode } from "./node.ts";
import { findAwsCli, findCloudInit, findShellcheck } from "./optional.ts";
import { findProvider } from "./provider.ts";
import { findPython } from "./python.ts";
import { findTerraform } from "./terraform.ts";

export type ToolName = keyof typeof finders;

/** Each tool that Rekindle may use → the look at it. Looking installs nothing and changes nothing. */
export const finders = {
  node: findNode,
  git: findGit,
  terraform: findTerraform,
  "aws provider": async (context: ToolContext) => findProvider(context, await findTerraform(context)),
  emulator: findEmulator,
  python3: findPython,
  "cloud-init": findCloudInit,
  shellcheck: findShellcheck,
  aws: findAwsCli,
} satisfies Record<string, (context: ToolContext) => Promise<Finding>>;
