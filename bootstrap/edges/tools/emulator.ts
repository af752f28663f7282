import { open, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RekindleError } from "../../errors.ts";
import { run, succeeded } from "../process.ts";
import type { ToolContext } from "./context.ts";
import { emulatorRequirement, emulatorVersion, makeVenv, venvProgram } from "./emulator-venv.ts";
import { demandFound, type Finding, type Found, isAtLeast, whyUnfit } from "./finding.ts";
import { ask, onPath } from "./program.ts";
import { findPython } from "./python.ts";

const needs = "5.1";
const tool = "emulator";

/** Where the emulator will come from: PATH, else uvx, else a virtual environment of Rekindle's own. Installs nothing. */
export async function findEmulator(context: ToolContext): Promise<Finding> {
  const [onThePath, refused] = await findOnPath(context);
  if (onThePath !== undefined) return onThePath;
  const made = await venvProgram(context);
  if (made !== undefined) return { tool, kind: "found", version: emulatorVersion, path: made };
  const uvx = await onPath(context, "uvx");
  if (uvx !== undefined) {
    const note = "fetched by uvx on first use";
    return {
      tool,
      kind: "found",
      version: emulatorVersion,
      path: uvx,
      args: ["--from", emulatorRequirement, "moto_server"],
      note,
    };
  }
  const python = await findPython(context);
  const reason = refused ?? "no moto_server on PATH";
  if (python.kind === "found") {
    const note = `${reason}: installed by pip into ${context.stateDir} on first use`;
    return { tool, kind: "found", version: emulatorVersion, path: python.path, note };
  }
  return {
    tool,
    kind: "missing",
    reason: `${reason}, no uvx, and ${whyUnfit(python)}`,
    install: python.install,
  };
}

/** The command that starts the emulator, and its first arguments; installs it when that is needed. */
export async function ensureEmulator(context: ToolContext): Promise<string[]> {
  const found = demandFound(await findEmulator(context));
  if (found.args !== undefined) return await fetchWithUvx(context, found);
  if (basename(found.path).startsWith("moto_server")) return [found.path];
  return [await makeVenv(context, found.path)];
}

/** The program, or why the one that is there cannot be used. */
async function findOnPath(context: ToolContext): Promise<[Found] | [undefined, string?]> {
  const path = await onPath(context, "moto_server");
  if (path === undefined) return [undefined];
  const version = await versionOf(context, path);
  if (version === undefined)
    return [undefined, `${path} does not tell its version, or lacks its server's packages`];
  if (!isAtLeast(version, needs)) return [undefined, `${path} is ${version}, older than ${needs}`];
  return [{ tool, kind: "found", version, path }];
}

const askPython = 'import importlib.metadata as m, flask, flask_cors; print(m.version("moto"))';

/**
 * moto_server has no --version, so the Python that runs it is asked: the one of its first line, else the one beside it.
 * The latter is right for pyenv's and asdf's shims too, as the Python beside a shim is a shim with the same choice.
 */
async function versionOf(context: ToolContext, program: string): Promise<string | undefined> {
  const folders = [dirname(await realpath(program)), dirname(program)];
  const beside = folders.flatMap((folder) => [join(folder, "python3"), join(folder, "python")]);
  const interpreters = [await interpreterOf(program), ...beside].filter((path) => path !== undefined);
  for (const interpreter of new Set(interpreters)) {
    if ((await onPath(context, interpreter)) === undefined) continue;
    const version = await ask(context, interpreter, ["-c", askPython]);
    if (version !== undefined) return version.trim();
  }
  return undefined;
}

async function interpreterOf(program: string): Promise<string | undefined> {
  const file = await open(program);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    const first = buffer.subarray(0, bytesRead).toString("latin1").split("\n", 1)[0] ?? "";
    return /^#!\s*(\/\S*python[\d.]*)/.exec(first)?.[1];
  } finally {
    await file.close();
  }
}

/** Fetches before the first start, so that a start never waits for a download; without uvx's source pip is tried. */
async function fetchWithUvx(context: ToolContext, { path, args }: Found): Promise<string[]> {
  const command = [path, ...(args ?? [])];
  context.print(`fetching the emulator with uvx (${emulatorRequirement})`);
  if (succeeded(await run(path, [...(args ?? []), "--help"], { env: context.env, cwd: context.root })))
    return command;
  const python = await findPython(context);
  if (python.kind === "found") return [await makeVenv(context, python.path)];
  throw new RekindleError(
    "missing-tool",
    `uvx cannot fetch ${emulatorRequirement}; give this machine a way to a Python package index`,
  );
}
