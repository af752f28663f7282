import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file of this folder that is no TypeScript: found from where this program is installed, bundled or not. */
export function program(...path: string[]): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder))
    if (existsSync(join(folder, "package.json"))) return join(folder, "sandbox", "bodies", "box", ...path);
}

/** Starts a program that the kernel ends with this one, whatever ends it. */
export function endingWithUs(command: string, ...args: string[]): [string, string[]] {
  return ["setpriv", ["--pdeathsig", "KILL", command, ...args]];
}
