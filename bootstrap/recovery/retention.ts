import { durationSeconds } from "../config/duration.ts";
import type { Environment } from "../config/schema.ts";
import type { IndexedPoint } from "./regional-index.ts";

export type RetentionPolicy = NonNullable<Environment["retention"]>;

/** Why a point is kept or not. `text` is for people, such as `daily 3/7`. */
export interface Reason {
  kind: "protected" | "young" | "unknown" | "newest" | "minimum" | Rule | "unfinished" | "unneeded";
  text: string;
}

export interface Decision {
  point: IndexedPoint;
  action: "keep" | "remove";
  reasons: Reason[];
}

/** What decisions depend on beside the points themselves. */
export interface RetentionContext {
  policy: RetentionPolicy;
  /** Every region that the environment can be rebuilt in. */
  regions: readonly string[];
  /** Point → why it must not go: pinned plans, holds. */
  protections: ReadonlyMap<string, readonly string[]>;
  /** ISO 8601, UTC, by the service's clock. */
  now: string;
}

/** Rules in the order of their reasons, with what makes two points one: the newest of each period is kept. */
const periods = {
  last: (startedAt: string) => startedAt,
  hourly: (startedAt: string) => startedAt.slice(0, 13),
  daily: (startedAt: string) => startedAt.slice(0, 10),
  weekly: (startedAt: string) => mondayOf(startedAt),
  monthly: (startedAt: string) => startedAt.slice(0, 7),
  yearly: (startedAt: string) => startedAt.slice(0, 4),
};
const keeps = {
  last: "keepLast",
  hourly: "keepHourly",
  daily: "keepDaily",
  weekly: "keepWeekly",
  monthly: "keepMonthly",
  yearly: "keepYearly",
} as const;
type Rule = keyof typeof keeps;
const rules = Object.keys(keeps) as Rule[];

/** A snapshot command gives up after hours: what is pending for longer has nobody who works on it. */
export const unfinishedSeconds = 24 * 3600;

/**
 * Decides point by point, the newest first, which stay and which go, with every reason. Each region counts for itself:
 * a copy that is missing in one uses up nobody's place there. What is not understood stays. Holds no more than one point
 * at a time, however many there are.
 */
export async function* decideRetention(
  points: AsyncIterable<IndexedPoint> | Iterable<IndexedPoint>,
  context: RetentionContext,
): AsyncGenerator<Decision> {
  const counts = new Map(context.regions.map((region) => [region, newCount()]));
  let waiting: IndexedPoint | undefined;
  for await (const point of points) {
    if (waiting !== undefined) yield decide(waiting, context, counts, false);
    waiting = point;
  }
  if (waiting !== undefined) yield decide(waiting, context, counts, true);
}

const longRules: readonly Reason["kind"][] = ["monthly", "yearly"];

/**
 * True for a point that only a monthly or yearly rule keeps, once it is old enough: what goes sooner than in 90 days
 * costs more in the archive tier than out of it.
 */
export function isForTheArchive(
  { point, action, reasons }: Decision,
  { policy, now }: RetentionContext,
): boolean {
  if (action !== "keep" || policy.archiveAfter === undefined) return false;
  const age = (Date.parse(now) - Date.parse(point.startedAt)) / 1000;
  return age > durationSeconds(policy.archiveAfter) && reasons.every(({ kind }) => longRules.includes(kind));
}

/** How far one region has counted: complete points so far, and each rule's periods. */
interface Count {
  complete: number;
  used: Record<Rule, { kept: number; last: string }>;
}

function newCount(): Count {
  const used = rules.map((rule) => [rule, { kept: 0, last: "" }]);
  return { complete: 0, used: Object.fromEntries(used) as Count["used"] };
}

function decide(
  point: IndexedPoint,
  context: RetentionContext,
  counts: ReadonlyMap<string, Count>,
  isOldest: boolean,
): Decision {
  const { policy, protections, now } = context;
  const statuses = Object.values(point.statuses);
  const keep: Reason[] = (protections.get(point.id) ?? []).map((text) => ({ kind: "protected", text }));
  if (statuses.includes("unknown")) keep.push({ kind: "unknown", text: "its key is not understood" });
  const isBegun = statuses.includes("removing");
  const age = (Date.parse(now) - Date.parse(point.startedAt)) / 1000;
  const completeIn = isBegun ? [] : context.regions.filter((region) => point.statuses[region] === "complete");
  const newerEverywhere = [...counts.values()].every(({ complete }) => complete > 0);
  // What is from the future stays, and takes nobody's place: else no true one would be the newest until then.
  const ruled = (age < 0 ? [] : completeIn).map(
    (region) => [region, count(point, policy, counts.get(region)!, isOldest)] as const,
  );
  keep.push(...acrossTheirRegions(ruled, completeIn.length === context.regions.length));
  if (isBegun && keep.length === 0)
    return { point, action: "remove", reasons: [{ kind: "unfinished", text: "a prune began to remove it" }] };

  if (age < 0) keep.push({ kind: "young", text: "from the future: some clock was wrong" });
  else if (age < durationSeconds(policy.minimumAge))
    keep.push({ kind: "young", text: `younger than ${policy.minimumAge}` });
  if (completeIn.length === 0 && !isBegun) {
    if (age < unfinishedSeconds)
      keep.push({ kind: "unfinished", text: "not complete, and something may still work on it" });
    else if (!newerEverywhere)
      keep.push({ kind: "unfinished", text: "not complete, but no newer one is complete in every region" });
  }
  if (keep.length > 0) return { point, action: "keep", reasons: keep };
  const text =
    completeIn.length === 0 ? "not complete, and newer ones are, in every region" : "no rule keeps it";
  return { point, action: "remove", reasons: [{ kind: "unneeded", text }] };
}

/** Counts a complete point of one region, and tells what keeps it there. */
function count(
  { startedAt }: IndexedPoint,
  policy: RetentionPolicy,
  counted: Count,
  isOldest: boolean,
): Reason[] {
  const reasons: Reason[] = [];
  counted.complete++;
  if (counted.complete === 1) reasons.push({ kind: "newest", text: "the newest complete one" });
  else if (counted.complete <= policy.minimumCount)
    reasons.push({ kind: "minimum", text: `minimum ${counted.complete}/${policy.minimumCount}` });
  for (const rule of rules) {
    const wanted = policy[keeps[rule]] ?? 0;
    const used = counted.used[rule];
    const period = periods[rule](startedAt);
    // The oldest fills a rule's free place: else a yearly one could never grow old within its year.
    if (used.kept >= wanted || (period === used.last && !isOldest)) continue;
    const oldest = period === used.last ? "oldest, " : "";
    used.kept++;
    used.last = period;
    reasons.push({ kind: rule, text: `${oldest}${rule} ${used.kept}/${wanted}` });
  }
  return reasons;
}

/** One reason that holds in all regions is told once; one that doesn't names those where it does. */
function acrossTheirRegions(
  ruled: readonly (readonly [string, readonly Reason[]])[],
  isEverywhere: boolean,
): Reason[] {
  const found = new Map<string, { reason: Reason; regions: string[] }>();
  for (const [region, reasons] of ruled) {
    for (const reason of reasons) {
      const known = found.get(reason.text);
      if (known === undefined) found.set(reason.text, { reason, regions: [region] });
      else known.regions.push(region);
    }
  }
  return [...found.values()].map(({ reason, regions }) =>
    isEverywhere && regions.length === ruled.length
      ? reason
      : { ...reason, text: `${reason.text} in ${regions.join(", ")}` },
  );
}

/** Weeks begin on Mondays, as ISO 8601 has them; in UTC, as all periods are. */
function mondayOf(moment: string): string {
  const day = new Date(`${moment.slice(0, 10)}T00:00:00.000Z`);
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return day.toISOString().slice(0, 10);
}
