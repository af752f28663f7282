import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const loaded = new Map<string, string>();

/** The text of a script that lies beside this file, read from where this program is installed: bundled or not, that is the folder with its package.json. */
export function shippedScript(name: string): string {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (!existsSync(join(folder, "package.json"))) continue;
    const text = readFileSync(join(folder, "bootstrap", "edges", "hosts", name), "utf8");
    loaded.set(name, text);
    return text;
  }
}
