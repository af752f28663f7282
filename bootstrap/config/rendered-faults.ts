import type { Fault, Place } from "../errors.ts";
import type { Rendered } from "./rendered.ts";
import { parseYamlFile } from "./yaml-file.ts";

/** EC2's limit for user-data, in bytes before base64. */
export const userDataLimit = 16_384;

/** What can be told of user-data without cloud-init: its size, and whether it is YAML. */
export function renderedFaults({ file, hasLinesOfFile, what, text }: Rendered): Fault[] {
  const top = { file, line: 1, column: 1 };
  const bytes = Buffer.byteLength(text);
  const move = hasLinesOfFile
    ? "move files from user-data into the role's configuration"
    : "bake fewer or smaller files, or install them from a package";
  const size: Fault[] =
    bytes <= userDataLimit
      ? []
      : [{ place: top, message: `${what} has ${bytes} bytes, over EC2's limit of ${userDataLimit}`, move }];
  const syntax = parseYamlFile(file, text).faults.map(({ place, message, move }) => ({
    place: hasLinesOfFile ? place : top,
    message: `${what} is ${message}`,
    move,
  }));
  return [...size, ...syntax];
}

/** A complaint about rendered user-data, placed in the file that it was rendered from. */
export function complaintFault(
  { file, hasLinesOfFile, what, text }: Rendered,
  { keys, message }: { keys: readonly PropertyKey[]; message: string },
): Fault {
  const place: Place = hasLinesOfFile ? parseYamlFile(file, text).place(keys) : { file, line: 1, column: 1 };
  const where = keys.length === 0 ? "" : `${keys.join(".")}: `;
  return {
    place: keys.length === 0 ? { file, line: 1, column: 1 } : place,
    message: `cloud-init rejects the ${what}: ${where}${message}`,
    move: "correct it; `cloud-init schema` checks it alone",
  };
}
