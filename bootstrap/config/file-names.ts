import type { Fault } from "../errors.ts";
import { type ConfigFiles, roleFilesFolder } from "./files.ts";

/** Names that a shell, a manifest or another machine would read otherwise than they are. */
export function fileNameFaults(files: ConfigFiles, role: string): Fault[] {
  const names = [...files.keys()].filter((path) => path.startsWith(roleFilesFolder(role)));
  return names.flatMap((name) => {
    const reason = unfit(name);
    if (reason === undefined) return [];
    return [
      {
        place: { file: JSON.stringify(name).slice(1, -1), line: 1, column: 1 },
        message: `the file's name ${reason}`,
        move: "rename it: a release takes names in UTF-8 without control characters",
      },
    ];
  });
}

/** Why a release can't carry a name; nothing when it can. */
export function unfit(name: string): string | undefined {
  // Whoever read it has put this in the place of bytes that are no UTF-8.
  if (name.includes("\ufffd")) return "is not UTF-8";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) return "holds a control character";
  return undefined;
}
