import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RekindleError } from "../../errors.ts";
import { describeEnding, run, succeeded } from "../process.ts";
import type { ToolContext } from "./context.ts";
import { onPath } from "./program.ts";

export const emulatorVersion = "5.2.1";
export const emulatorRequirement = `moto[server]==${emulatorVersion}`;

/** moto_server in Rekindle's own virtual environment, when that was finished and is of this version. */
export async function venvProgram(context: ToolContext): Promise<string | undefined> {
  const { mark, program } = places(context);
  const made = await readFile(mark, "utf8").catch(() => "");
  return made.trim() === emulatorRequirement ? onPath(context, program) : undefined;
}

/** Makes the virtual environment anew. It counts only when its mark is written, so an interrupted one is made again. */
export async function makeVenv(context: ToolContext, python: string): Promise<string> {
  const { folder, mark, pip, program } = places(context);
  context.print(`installing the emulator (${emulatorRequirement}) into ${folder}`);
  await rm(folder, { recursive: true, force: true });
  await step(context, "python's venv", python, ["-m", "venv", folder]);
  await step(context, "pip", pip, [
    "install",
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
    emulatorRequirement,
  ]);
  await writeFile(mark, `${emulatorRequirement}\n`);
  return program;
}

async function step(
  context: ToolContext,
  what: string,
  command: string,
  args: readonly string[],
): Promise<void> {
  const finished = await run(command, args, { env: context.env, cwd: context.root });
  if (succeeded(finished)) return;
  throw new RekindleError(
    "tool-failed",
    `${what} could not install ${emulatorRequirement}: it ${describeEnding(finished.ending)}; ` +
      "give this machine a way to a Python package index, or put moto_server on PATH, then run again",
    { details: `${finished.stderr}${finished.stdout}`.trim().split("\n").slice(-10) },
  );
}

function places({ stateDir, platform }: ToolContext) {
  const folder = join(stateDir, "emulator", "venv");
  const bin = join(folder, platform === "win32" ? "Scripts" : "bin");
  return {
    folder,
    mark: join(folder, "rekindle-ready"),
    pip: join(bin, "pip"),
    program: join(bin, "moto_server"),
  };
}
