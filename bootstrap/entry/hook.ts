import { realpathSync } from "node:fs";
import { installHook, uninstallHook } from "../commands/install-hook.ts";
import { hooksOf } from "../edges/git-hook.ts";
import { projectRoot } from "./project.ts";

/** The commands about the hook that publishes on commit. */

export async function installHookCommand(options: { env?: string }): Promise<void> {
  const { hooks, prefix } = await hooksOf(projectRoot());
  // A hook may run without the user's PATH: editors start git too.
  const program = [process.execPath, realpathSync(process.argv[1]!)];
  const environment = options.env === undefined ? {} : { environment: options.env };
  const outcome = await installHook(hooks, { program, prefix, ...environment });
  console.log(`${hooks.path}/post-commit ${outcome}: every commit is published`);
}

export async function uninstallHookCommand(): Promise<void> {
  const { hooks } = await hooksOf(projectRoot());
  const outcome = await uninstallHook(hooks);
  console.log(`${hooks.path}/post-commit ${outcome}`);
}
