import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file of this folder that is no TypeScript: found from where this program is installed, bundled or not. */
export function program(...path: string[]): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, "package.json"))) return join(folder, "sandbox", "bodies", "box", ...path);
  throw new Error(`${here} is no part of an installed Rekindle: there is no package.json above it`);
}

/** Starts a program that the kernel ends with this one, whatever ends it. */
export function endingWithUs(command: string, ...args: string[]): [string, string[]] {
  return ["setpriv", ["--pdeathsig", "KILL", command, ...args]];
}
