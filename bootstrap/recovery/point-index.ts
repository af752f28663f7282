import { RekindleError } from "../errors.ts";
import type { RecoveryPoint } from "./point.ts";

/**
 * A point's key is its line in the catalog's index: it tells age and status without being read, and sorts newest first,
 * since S3 lists in ascending order only. So a plan asks for one page however many points there are, and a prune for one
 * page a thousand of them. `catalog/points/<time left until 2286>-<id>.<status>.json`
 */
export interface PointEntry {
  id: string;
  /** When its snapshot command began, as its name says. ISO 8601, UTC; empty for a key that nobody understands. */
  startedAt: string;
  status: RecoveryPoint["status"] | "unknown";
  /** What entries are sorted by: the smallest is the newest. */
  order: string;
}

export const pointPrefix = "catalog/points/";
/** The last millisecond that 13 digits can tell. */
const end = 9_999_999_999_999;
/** A change of status writes the new key before it takes the old one away: the furthest of two is true. */
const progress: readonly PointEntry["status"][] = ["pending", "incomplete", "complete", "removing"];

export function pointKey({ id, status }: Pick<RecoveryPoint, "id" | "status">): string {
  const stem = pointStem(id);
  if (stem !== undefined) return `${stem}${status}.json`;
  throw new RekindleError(
    "bad-input",
    `${JSON.stringify(id)} is no name of a recovery point; one is point-<UTC time>, such as point-20261124t030000000z`,
  );
}

/** What every key of one point begins with; nothing for what is no point's name. */
export function pointStem(id: string): string | undefined {
  const startedAt = startOf(id);
  return startedAt && `${pointPrefix}${remaining(startedAt)}-${id}.`;
}

/** What a listing starts after to leave out the points that began after a moment. */
export function afterMoment(moment: string): string {
  return `${pointPrefix}${remaining(moment)}`;
}

/** The entries of a listing's pages, which must be sorted. */
export async function* pointEntries(
  pages: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
): AsyncGenerator<PointEntry> {
  let last: PointEntry | undefined;
  for await (const keys of pages) {
    for (const key of keys) {
      const entry = readKey(key);
      if (last !== undefined && last.order !== entry.order) yield last;
      const isFurther =
        last?.order !== entry.order || progress.indexOf(entry.status) > progress.indexOf(last.status);
      if (isFurther) last = entry;
    }
  }
  if (last !== undefined) yield last;
}

function readKey(key: string): PointEntry {
  const [, left, id, word] = /^(\d{13})-(point-\w+)\.(\w+)\.json$/.exec(key.slice(pointPrefix.length)) ?? [];
  const status = progress.find((one) => one === word);
  const startedAt = id === undefined ? undefined : startOf(id);
  if (id === undefined || status === undefined || startedAt === undefined || remaining(startedAt) !== left)
    return { id: key, startedAt: "", status: "unknown", order: key };
  return { id, startedAt, status, order: `${pointPrefix}${left}-${id}` };
}

/** When a point's snapshot command began, by its name; nothing for what is no point's name. */
export function startOf(id: string): string | undefined {
  const [, date, hour, minute, second, ms] = /^point-(\d{8})t(\d\d)(\d\d)(\d\d)(\d{3})z$/.exec(id) ?? [];
  if (date === undefined) return undefined;
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  const moment = `${day}T${hour}:${minute}:${second}.${ms}Z`;
  return Number.isNaN(Date.parse(moment)) ? undefined : moment;
}

function remaining(moment: string): string {
  return String(Math.max(0, end - Date.parse(moment))).padStart(13, "0");
}
