import type { Ran } from "./point.ts";

/** What a server told of a hold on its data: the answer of `quiesce.sh` to a freeze, or to the thaw after it. */
export interface Told {
  ran: Ran[];
  notes: string[];
  position?: string;
  /** Since when the data is quiet. */
  held?: string;
  /** Why it is not; then nothing is frozen any more. */
  failed?: string;
  /** What had not stayed frozen until it was thawed. */
  lost: string[];
  /** When writes went on, and who saw to it. */
  released?: { until: string; by: string };
}

export function readTold(text: string): Told {
  const told: Told = { ran: [], notes: [], lost: [] };
  for (const line of text.split("\n")) {
    const [word, first = "", ...more] = line.split("\t");
    if (word === "ran") {
      const [startedAt = "", endedAt = "", what = ""] = more;
      told.ran.push({ what, exitCode: Number(first), startedAt, endedAt });
    } else if (word === "note") told.notes.push(first);
    else if (word === "position") told.position = first;
    else if (word === "held") told.held = first;
    else if (word === "failed") told.failed = first;
    else if (word === "lost") told.lost.push(first);
    else if (word === "released") told.released = { until: first, by: more[0] ?? "" };
  }
  return told;
}
