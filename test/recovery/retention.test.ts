import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { environmentSchema } from "../../bootstrap/config/schema.ts";
import type { IndexedPoint } from "../../bootstrap/recovery/regional-index.ts";
import {
  type Decision,
  decideRetention,
  isForTheArchive,
  type RetentionContext,
  type RetentionPolicy,
} from "../../bootstrap/recovery/retention.ts";
import { aPoint, primary, recovery } from "../builders.ts";

const now = "2026-11-24T12:00:00.000Z";
const regions = [recovery, primary];
const policyOf = (policy: object): RetentionPolicy => environmentSchema.shape.retention.parse(policy)!;
const idOf = (startedAt: string) => aPoint({ takenAt: startedAt }).id;

type Statuses = IndexedPoint["statuses"];
const everywhere = (status: Statuses[string]): Statuses =>
  Object.fromEntries(regions.map((region) => [region, status]));

function at(startedAt: string, statuses: Statuses = everywhere("complete")): IndexedPoint {
  return { id: idOf(startedAt), startedAt, statuses };
}

async function decide(points: IndexedPoint[], policy: object, changes: Partial<RetentionContext> = {}) {
  const context = { policy: policyOf(policy), regions, protections: new Map(), now, ...changes };
  const newestFirst = [...points].sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  const decisions: Decision[] = [];
  for await (const decision of decideRetention(newestFirst, context)) decisions.push(decision);
  return { decisions, context };
}

/** Timestamps to decisions with reasons, as `rekindle prune` prints them. */
async function table(...args: Parameters<typeof decide>) {
  const { decisions } = await decide(...args);
  return decisions.map(({ point, action, reasons }) =>
    [point.startedAt.slice(0, 16), action, ...reasons.map(({ text }) => text)].join(" | "),
  );
}

describe("retention, as a table", () => {
  it("keeps the newest of each hour, day, week, month and year, and says for what", async () => {
    const points = [
      "2026-11-23T23:30:00.000Z",
      "2026-11-23T23:10:00.000Z",
      "2026-11-23T22:30:00.000Z",
      "2026-11-23T08:00:00.000Z",
      "2026-11-22T08:00:00.000Z",
      "2026-11-21T08:00:00.000Z",
      "2026-11-16T08:00:00.000Z",
      "2026-11-15T08:00:00.000Z",
      "2026-10-31T08:00:00.000Z",
      "2026-10-01T08:00:00.000Z",
      "2026-09-01T08:00:00.000Z",
      "2025-12-31T08:00:00.000Z",
      "2025-06-01T08:00:00.000Z",
      "2024-01-01T08:00:00.000Z",
    ].map((moment) => at(moment));
    const policy = {
      keepHourly: 2,
      keepDaily: 3,
      keepWeekly: 2,
      keepMonthly: 3,
      keepYearly: 2,
      minimumAge: "1h",
    };
    expect(await table(points, policy)).toEqual([
      "2026-11-23T23:30 | keep | the newest complete one | hourly 1/2 | daily 1/3 | weekly 1/2 | monthly 1/3 | yearly 1/2",
      "2026-11-23T23:10 | remove | no rule keeps it",
      "2026-11-23T22:30 | keep | hourly 2/2",
      "2026-11-23T08:00 | remove | no rule keeps it",
      "2026-11-22T08:00 | keep | daily 2/3 | weekly 2/2",
      "2026-11-21T08:00 | keep | daily 3/3",
      "2026-11-16T08:00 | remove | no rule keeps it",
      "2026-11-15T08:00 | remove | no rule keeps it",
      "2026-10-31T08:00 | keep | monthly 2/3",
      "2026-10-01T08:00 | remove | no rule keeps it",
      "2026-09-01T08:00 | keep | monthly 3/3",
      "2025-12-31T08:00 | keep | yearly 2/2",
      "2025-06-01T08:00 | remove | no rule keeps it",
      "2024-01-01T08:00 | remove | no rule keeps it",
    ]);
  });

  it("lets the oldest grow old where a rule has places left", async () => {
    const points = ["2026-11-20", "2026-11-10", "2026-11-01"].map((day) => at(`${day}T08:00:00.000Z`));
    expect(await table(points, { keepYearly: 3 })).toEqual([
      "2026-11-20T08:00 | keep | the newest complete one | yearly 1/3",
      "2026-11-10T08:00 | remove | no rule keeps it",
      "2026-11-01T08:00 | keep | oldest, yearly 2/3",
    ]);
  });

  it("keeps what is young, what something may still work on, and what nobody understands", async () => {
    const points = [
      at("2026-11-24T11:30:00.000Z", everywhere("pending")),
      at("2026-11-24T11:00:00.000Z"),
      at("2026-11-24T10:00:00.000Z"),
      at("2026-11-20T10:00:00.000Z"),
      at("2026-11-19T10:00:00.000Z", everywhere("pending")),
      at("2026-11-18T10:00:00.000Z", everywhere("incomplete")),
      at("2026-11-17T10:00:00.000Z", { [recovery]: "removing" }),
      { id: "catalog/points/odd", startedAt: "", statuses: { [recovery]: "unknown" as const } },
    ];
    expect(await table(points, { keepLast: 1, minimumAge: "4h" })).toEqual([
      "2026-11-24T11:30 | keep | younger than 4h | not complete, and something may still work on it",
      "2026-11-24T11:00 | keep | the newest complete one | last 1/1 | younger than 4h",
      "2026-11-24T10:00 | keep | younger than 4h",
      "2026-11-20T10:00 | remove | no rule keeps it",
      "2026-11-19T10:00 | remove | not complete, and newer ones are, in every region",
      "2026-11-18T10:00 | remove | not complete, and newer ones are, in every region",
      "2026-11-17T10:00 | remove | a prune began to remove it",
      " | keep | its key is not understood",
    ]);
  });

  it("keeps an incomplete one as long as no newer one is complete in every region", async () => {
    const points = [
      at("2026-11-20T10:00:00.000Z", { [recovery]: "incomplete", [primary]: "complete" }),
      at("2026-11-19T10:00:00.000Z", everywhere("incomplete")),
    ];
    expect(await table(points, { keepLast: 1 })).toEqual([
      "2026-11-20T10:00 | keep | the newest complete one in eu-west-1 | last 1/1 in eu-west-1",
      "2026-11-19T10:00 | keep | not complete, but no newer one is complete in every region",
    ]);
  });

  it("counts each region for itself, so that a missing copy takes no place of another's", async () => {
    const points = [
      at("2026-11-22T10:00:00.000Z", { [recovery]: "incomplete", [primary]: "complete" }),
      at("2026-11-21T10:00:00.000Z"),
      at("2026-11-20T10:00:00.000Z"),
    ];
    expect(await table(points, { keepDaily: 2 })).toEqual([
      "2026-11-22T10:00 | keep | the newest complete one in eu-west-1 | daily 1/2 in eu-west-1",
      "2026-11-21T10:00 | keep | the newest complete one in eu-central-1 | daily 1/2 in eu-central-1 | daily 2/2 in eu-west-1",
      "2026-11-20T10:00 | keep | daily 2/2 in eu-central-1",
    ]);
  });

  it("keeps the minimum, what is pinned and what is held, whatever the rules say", async () => {
    const points = ["23", "22", "21", "20"].map((day) => at(`2026-11-${day}T10:00:00.000Z`));
    const held = new Map([[idOf("2026-11-20T10:00:00.000Z"), ["hold-1 until 2027: an audit"]]]);
    expect(await table(points, { keepLast: 1, minimumCount: 2 }, { protections: held })).toEqual([
      "2026-11-23T10:00 | keep | the newest complete one | last 1/1",
      "2026-11-22T10:00 | keep | minimum 2/2",
      "2026-11-21T10:00 | remove | no rule keeps it",
      "2026-11-20T10:00 | keep | hold-1 until 2027: an audit",
    ]);
  });

  it("keeps what is from the future: some clock was wrong, and nobody knows its age", async () => {
    const points = [at("2027-03-01T00:00:00.000Z"), at("2027-02-01T00:00:00.000Z")];
    expect((await table(points, { keepLast: 1 }))[1]).toBe(
      "2027-02-01T00:00 | keep | from the future: some clock was wrong",
    );
  });

  it("gives no place to what is from the future, so that the newest of today stays", async () => {
    const points = ["2036-01-01", "2026-11-20", "2026-11-19"].map((day) => at(`${day}T08:00:00.000Z`));
    expect(await table(points, { keepLast: 1 })).toEqual([
      "2036-01-01T08:00 | keep | from the future: some clock was wrong",
      "2026-11-20T08:00 | keep | the newest complete one | last 1/1",
      "2026-11-19T08:00 | remove | no rule keeps it",
    ]);
  });

  it("counts periods in UTC, over a clock change, a leap day, a year's end and gaps", async () => {
    const points = [
      // Summer time ended at 01:00 UTC: 02:30 came twice in Central Europe, and is two hours here.
      "2026-10-25T01:30:00.000Z",
      "2026-10-25T00:30:00.000Z",
      // A month without any, then the other clock change.
      "2026-03-29T01:00:00.000Z",
      "2026-03-29T00:59:59.999Z",
      // One week, two years; it begins on Monday, the 29th of December.
      "2026-01-01T00:00:00.000Z",
      "2025-12-31T23:59:59.999Z",
      "2025-12-28T23:59:59.999Z",
      "2024-03-01T00:00:00.000Z",
      "2024-02-29T23:59:59.999Z",
      "2024-02-28T12:00:00.000Z",
    ].map((moment) => at(moment));
    const many = 100;
    const row = (reason: RegExp) => async (policy: object) =>
      (await table(points, policy)).map((line) => reason.exec(line)?.[0] ?? line.split(" | ")[1]);
    const [hourly, daily, weekly, monthly, yearly] = await Promise.all([
      row(/hourly \d+/)({ keepHourly: many }),
      row(/daily \d+/)({ keepDaily: many }),
      row(/weekly \d+/)({ keepWeekly: many }),
      row(/monthly \d+/)({ keepMonthly: many }),
      row(/yearly \d+/)({ keepYearly: many }),
    ]);
    expect(
      points.map(({ startedAt }, at) =>
        [startedAt.slice(0, 16), hourly[at], daily[at], weekly[at], monthly[at], yearly[at]].join(" | "),
      ),
    ).toEqual([
      "2026-10-25T01:30 | hourly 1 | daily 1 | weekly 1 | monthly 1 | yearly 1",
      "2026-10-25T00:30 | hourly 2 | remove | remove | remove | remove",
      "2026-03-29T01:00 | hourly 3 | daily 2 | weekly 2 | monthly 2 | remove",
      "2026-03-29T00:59 | hourly 4 | remove | remove | remove | remove",
      "2026-01-01T00:00 | hourly 5 | daily 3 | weekly 3 | monthly 3 | remove",
      "2025-12-31T23:59 | hourly 6 | daily 4 | remove | monthly 4 | yearly 2",
      "2025-12-28T23:59 | hourly 7 | daily 5 | weekly 4 | remove | remove",
      "2024-03-01T00:00 | hourly 8 | daily 6 | weekly 5 | monthly 5 | yearly 3",
      "2024-02-29T23:59 | hourly 9 | daily 7 | remove | monthly 6 | remove",
      "2024-02-28T12:00 | hourly 10 | daily 8 | weekly 6 | monthly 7 | yearly 4",
    ]);
  });

  it("tells points of one second apart", async () => {
    const points = ["59.999", "59.500", "59.000"].map((second) => at(`2026-11-20T08:00:${second}Z`));
    expect(await table(points, { keepLast: 2, keepHourly: 1 })).toEqual([
      "2026-11-20T08:00 | keep | the newest complete one | last 1/2 | hourly 1/1",
      "2026-11-20T08:00 | keep | last 2/2",
      "2026-11-20T08:00 | remove | no rule keeps it",
    ]);
  });

  it("moves to the archive what only a monthly or yearly rule keeps, once it is old enough", async () => {
    const points = ["2026-11-20", "2026-10-20", "2026-09-20", "2026-08-20"].map((day) =>
      at(`${day}T08:00:00.000Z`),
    );
    const held = new Map([[points[2]!.id, ["hold-1"]]]);
    const policy = { keepDaily: 1, keepMonthly: 12, archiveAfter: "30d" };
    const { decisions, context } = await decide(points, policy, { protections: held });
    const archived = decisions.filter((decision) => isForTheArchive(decision, context));
    expect(archived.map(({ point }) => point.startedAt.slice(0, 10))).toEqual(["2026-10-20", "2026-08-20"]);
  });

  it("needs at least one rule", () => {
    expect(() => policyOf({ minimumAge: "1d" })).toThrow("at least one keepLast");
  });
});

describe("whatever is asked for", () => {
  const keepAtMost = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });
  const policies = fc
    .record({
      keepLast: fc.integer({ min: 1, max: 4 }),
      keepHourly: keepAtMost,
      keepDaily: keepAtMost,
      keepWeekly: keepAtMost,
      keepMonthly: keepAtMost,
      keepYearly: keepAtMost,
      minimumCount: fc.integer({ min: 1, max: 3 }),
      minimumAge: fc.constantFrom("0s", "1h", "30d"),
    })
    .map(({ ...policy }) => JSON.parse(JSON.stringify(policy)) as object);
  const status = fc.constantFrom<Statuses[string]>(
    "pending",
    "incomplete",
    "complete",
    "complete",
    "removing",
  );
  const start = Date.parse(now);
  const points = fc
    .uniqueArray(
      fc.record({
        // From minutes to years ago, and some from a wrong clock's future.
        ago: fc.oneof(
          fc.integer({ min: -3_600_000, max: 7_200_000 }),
          fc.integer({ min: 0, max: 40 * 86_400_000 }),
          fc.integer({ min: 0, max: 3 * 365 * 86_400_000 }),
        ),
        statuses: fc.dictionary(fc.constantFrom(...regions), status, { minKeys: 1 }),
        isProtected: fc.boolean(),
      }),
      { selector: ({ ago }) => ago, maxLength: 30 },
    )
    .map((drawn) =>
      drawn.map(({ ago, statuses, isProtected }) => ({
        point: at(new Date(start - ago).toISOString(), statuses),
        isProtected,
      })),
    );

  const drawn = fc.record({ policy: policies, points });
  const run = async (policy: object, all: { point: IndexedPoint; isProtected: boolean }[]) => {
    const protections = new Map(
      all.filter(({ isProtected }) => isProtected).map(({ point }) => [point.id, ["held"]]),
    );
    return decide(
      all.map(({ point }) => point),
      policy,
      { protections },
    );
  };

  it("the newest complete point of each region, what is pinned or held and what is young never goes", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async ({ policy, points }) => {
        const { decisions, context } = await run(policy, points);
        const removed = decisions.filter(({ action }) => action === "remove").map(({ point }) => point);
        const isUsable = ({ statuses, startedAt }: IndexedPoint, region: string) =>
          startedAt <= now &&
          statuses[region] === "complete" &&
          !Object.values(statuses).includes("removing");
        for (const region of regions) {
          const newest = decisions.find(({ point }) => isUsable(point, region));
          if (newest !== undefined) expect(newest.action).toBe("keep");
        }
        for (const { point, isProtected } of points) if (isProtected) expect(removed).not.toContain(point);
        const isBegun = (point: IndexedPoint) => Object.values(point.statuses).includes("removing");
        const minimumMs = { "0s": 0, "1h": 3_600_000, "30d": 30 * 86_400_000 }[context.policy.minimumAge]!;
        for (const point of removed) {
          if (isBegun(point)) continue;
          expect(start - Date.parse(point.startedAt)).toBeGreaterThanOrEqual(minimumMs);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("the newest complete point of each region stays by itself, where no rule and no minimum keeps any", async () => {
    const policy = { minimumCount: 0, minimumAge: "0s" };
    await fc.assert(
      fc.asyncProperty(points, async (all) => {
        const indexed = all.map(({ point }) => point);
        const { decisions } = await decide(indexed, { keepLast: 1 }, { policy });
        for (const region of regions) {
          const newest = decisions.find(
            ({ point }) =>
              point.startedAt <= now &&
              point.statuses[region] === "complete" &&
              !Object.values(point.statuses).includes("removing"),
          );
          if (newest !== undefined) expect(newest.action).toBe("keep");
        }
      }),
      { numRuns: 300 },
    );
  });

  it("every decision has a reason, and pruning again removes nothing more", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async ({ policy, points }) => {
        const { decisions } = await run(policy, points);
        expect(decisions).toHaveLength(points.length);
        expect(decisions.filter(({ reasons }) => reasons.length === 0)).toEqual([]);
        const kept = new Set(
          decisions.filter(({ action }) => action === "keep").map(({ point }) => point.id),
        );
        const again = await run(
          policy,
          points.filter(({ point }) => kept.has(point.id)),
        );
        expect(again.decisions.filter(({ action }) => action === "remove")).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps at least the minimum of complete points in each region", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async ({ policy, points }) => {
        const { decisions, context } = await run(policy, points);
        for (const region of regions) {
          const complete = decisions.filter(
            ({ point }) =>
              point.startedAt <= now &&
              point.statuses[region] === "complete" &&
              !Object.values(point.statuses).includes("removing"),
          );
          const kept = complete.filter(({ action }) => action === "keep").length;
          expect(kept).toBeGreaterThanOrEqual(Math.min(complete.length, context.policy.minimumCount));
        }
      }),
      { numRuns: 300 },
    );
  });
});
