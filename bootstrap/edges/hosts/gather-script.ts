import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Selection } from "../../collect/globs.ts";

/** The script that gathers a selection of a host's files, ready for the standard input of a POSIX shell. */
export function gatherScript(selected: Selection, root = ""): string {
  const relative = (path: string) => (path === "/" ? "." : `.${path}`);
  const words = [
    root.replace(/\/+$/, ""),
    `\\.(${selected.include})`,
    `\\.(${selected.exclude})`,
    ...selected.points.map(relative),
  ];
  // Its programs must not read what is left of the script.
  return `${script()}\nmain ${words.map(quote).join(" ")} </dev/null\n`;
}

/** One word of a shell, whatever it holds. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

let loaded: string | undefined;

/** Read from where this program is installed: bundled or not, that is the folder with its package.json. */
function script(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); loaded === undefined; folder = dirname(folder))
    if (existsSync(join(folder, "package.json")))
      loaded = readFileSync(join(folder, "bootstrap", "edges", "hosts", "gather.sh"), "utf8");
  return loaded;
}
