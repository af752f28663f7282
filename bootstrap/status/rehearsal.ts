import type { GameDayRecord } from "../gameday/record.ts";
import { failed, judged, type Looked, passed, type StatusCheck } from "./outcome.ts";

/** The last rehearsal that is known, and who keeps it: who has seen it work? */
export interface LastRehearsal {
  record: GameDayRecord;
  /** `this machine` or a region's catalog. */
  kept: string;
}

/** The newest of what several places know. */
export function lastRehearsal(
  known: readonly { kept: string; record: GameDayRecord | undefined }[],
): LastRehearsal | undefined {
  const records = known.flatMap(({ kept, record }) => (record === undefined ? [] : [{ kept, record }]));
  return records.sort((a, b) => b.record.startedAt.localeCompare(a.record.startedAt))[0];
}

/** Whether the environment was seen to come back within its RTO. What nobody rehearsed, nobody has seen. */
export function rehearsalCheck(
  looked: Looked<LastRehearsal | undefined>,
  objectives: { rtoSeconds: number },
): StatusCheck {
  const name = "rehearsal";
  return judged(name, looked, (last) => {
    if (last === undefined)
      return {
        name,
        outcome: "could-not-look",
        found: "no rehearsal is known, here or in the catalog",
        move: "rehearse: rekindle gameday --record",
      };
    const { record, kept } = last;
    const what = `game day ${record.id} of ${record.startedAt} (engine ${record.engine}, by ${kept})`;
    if (record.verdict === "failed" || record.rtoSeconds === undefined)
      return failed(
        name,
        `${what} failed: ${record.reasons[0] ?? "no reason is kept"}`,
        "mend it, then rehearse: rekindle gameday --record",
      );
    const found = `${what} passed with an RTO of ${record.rtoSeconds.toFixed(1)} s, objective ${objectives.rtoSeconds} s`;
    return record.rtoSeconds <= objectives.rtoSeconds
      ? passed(name, found)
      : failed(name, found, "shorten the rebuild, or set the objective that it can hold");
  });
}
