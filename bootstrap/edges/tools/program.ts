import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { run, succeeded } from "../process.ts";
import type { ToolContext } from "./context.ts";
import { type Finding, isAtLeast, versionIn } from "./finding.ts";
import { installCommand, type Package } from "./install.ts";

export interface ProgramQuery {
  tool: string;
  /** Names to look for on PATH, in order; a path is taken as it is. */
  names: readonly string[];
  versionArgs?: readonly string[];
  needs: string;
  package: Package;
}

/** Looks a program up on PATH and asks it for its version. */
export async function findProgram(context: ToolContext, query: ProgramQuery): Promise<Finding> {
  const { tool, names, needs, versionArgs = ["--version"] } = query;
  const install = installCommand(context, query.package);
  const looked = `no ${names.join(" or ")} on PATH`;
  let unfit: Finding = { tool, kind: "missing", reason: looked, install };
  for (const name of names) {
    const path = await onPath(context, name);
    if (path === undefined) continue;
    const said = await ask(context, path, versionArgs);
    const version = said === undefined ? undefined : versionIn(said);
    if (version === undefined)
      unfit = { tool, kind: "missing", reason: `${path} does not tell its version`, install };
    else if (!isAtLeast(version, needs)) unfit = { tool, kind: "too-old", version, needs, path, install };
    else return { tool, kind: "found", version, path };
  }
  return unfit;
}

/** The absolute path of the first executable file of that name. */
export async function onPath(context: ToolContext, name: string): Promise<string | undefined> {
  if (isAbsolute(name) || name.includes("/")) {
    const path = resolve(context.root, name);
    return (await isExecutable(path)) ? path : undefined;
  }
  for (const folder of (context.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder !== "" && (await isExecutable(path))) return path;
  }
  return undefined;
}

/** What a program writes when it is asked something; undefined when it fails or takes too long. */
export async function ask(
  context: ToolContext,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = context.env,
): Promise<string | undefined> {
  const finished = await run(command, args, { env, cwd: context.root, timeoutMs: 15_000 });
  // Some programs tell their version on standard error.
  return succeeded(finished) ? finished.stdout || finished.stderr : undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
