import type { HistoryRecord } from "../release/history.ts";

const shape = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** The moment that a text in ISO 8601 means, in milliseconds; nothing when it is no such time. UTC where it names no zone. */
export function momentOf(text: string): number | undefined {
  if (!shape.test(text) || !isInCalendar(text.slice(0, "2026-11-24".length))) return undefined;
  const isLocal = text.includes("T") && !/(Z|[+-]\d\d:?\d\d)$/.test(text);
  const moment = Date.parse(isLocal ? `${text}Z` : text);
  return Number.isNaN(moment) ? undefined : moment;
}

/** JavaScript takes the 30th of February for a day in March. */
function isInCalendar(day: string): boolean {
  const moment = Date.parse(day);
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(day);
}

/** The release that the environment pointed to at a moment; nothing before the first publication. */
export function releaseAt(records: readonly HistoryRecord[], moment: number): string | undefined {
  return records
    .filter(({ at }) => Date.parse(at) <= moment)
    .reduce<HistoryRecord | undefined>(
      (latest, record) =>
        latest === undefined || Date.parse(record.at) >= Date.parse(latest.at) ? record : latest,
      undefined,
    )?.release;
}
