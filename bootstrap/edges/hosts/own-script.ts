import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const loaded = new Map<string, string>();

/** The text of a shell script beside this file. Read from where this program is installed, bundled or not. */
export function ownScript(name: string): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); !loaded.has(name); folder = dirname(folder))
    if (existsSync(join(folder, "package.json")))
      loaded.set(name, readFileSync(join(folder, "bootstrap", "edges", "hosts", name), "utf8"));
  return loaded.get(name)!;
}
