import type { Fault, Place } from "../errors.ts";
import type { Rendered } from "./rendered.ts";
import { parseYamlFile } from "./yaml-file.ts";

/** What can be told of a cloud-config without cloud-init: whether it is the YAML that it says. */
export function renderedFaults({ file, hasLinesOfFile, what, text }: Rendered): Fault[] {
  const top = { file, line: 1, column: 1 };
  return parseYamlFile(file, text).faults.map(({ place, message, move }) => ({
    place: hasLinesOfFile ? place : top,
    message: `${what} is ${message}`,
    move,
  }));
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
    message: `cloud-init rejects ${what}: ${where}${message}`,
    move: "correct it; `cloud-init schema` checks it alone",
  };
}
