import { RekindleError } from "../errors.ts";
import { momentOf } from "../history/live-at.ts";

/** A moment as an option gives it, in ISO 8601 and UTC. */
export function moment(option: string, text: string): string {
  const found = momentOf(text);
  if (found !== undefined) return new Date(found).toISOString();
  throw new RekindleError(
    "bad-input",
    `${option} ${JSON.stringify(text)} is no time; write it in ISO 8601, such as 2026-11-24T03:00:00Z`,
  );
}
