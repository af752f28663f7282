import type { Selection } from "../../collect/globs.ts";
import { ownScript } from "./own-script.ts";

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
  return `${ownScript("gather.sh")}\nmain ${words.map(quote).join(" ")} </dev/null\n`;
}

/** One word of a shell, whatever it holds. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
