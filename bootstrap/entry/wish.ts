import { RekindleError } from "../errors.ts";
import { momentOf } from "../history/live-at.ts";
import type { Wish } from "../recovery/choose.ts";

/** What the options `--as-of` and `--point` ask for. */
export function wishOf({ asOf, point }: { asOf?: string; point?: string }): Wish {
  if (point !== undefined) return { kind: "point", id: point };
  if (asOf === undefined) return { kind: "newest" };
  const moment = momentOf(asOf);
  if (moment === undefined) {
    throw new RekindleError(
      "bad-input",
      `--as-of ${JSON.stringify(asOf)} is no time; write it in ISO 8601, such as 2026-11-24T03:00:00Z`,
    );
  }
  return { kind: "as-of", moment: new Date(moment).toISOString() };
}
