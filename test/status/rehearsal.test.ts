import { expect, it, test } from "vitest";
import type { GameDayRecord } from "../../bootstrap/gameday/record.ts";
import { lastRehearsal, rehearsalCheck } from "../../bootstrap/status/rehearsal.ts";
import { seen, unseen } from "./builders.ts";

const objectives = { rtoSeconds: 900 };

function aRecord(changes: Partial<GameDayRecord> = {}): GameDayRecord {
  return {
    version: 1,
    id: "shop-20261124t030000-ab12",
    environment: "shop",
    commit: "a".repeat(40),
    engine: "box",
    startedAt: "2026-11-24T03:00:00.000Z",
    verdict: "passed",
    reasons: [],
    rtoSeconds: 412.34,
    rpo: [],
    objectives: { rpoSeconds: 3600, rtoSeconds: 900 },
    ...changes,
  };
}
const check = (record: GameDayRecord) => rehearsalCheck(seen({ record, kept: "this machine" }), objectives);

test("a day that passed within the RTO says when, where and how", () => {
  expect(check(aRecord())).toEqual({
    name: "rehearsal",
    outcome: "passed",
    found:
      "game day shop-20261124t030000-ab12 of 2026-11-24T03:00:00.000Z (engine box, by this machine) passed with an RTO of 412.3 s, objective 900 s",
  });
});

test("a day that failed, and one that would be too slow for today's objective, fail", () => {
  expect(check(aRecord({ verdict: "failed", reasons: ["step rebuild failed"] }))).toMatchObject({
    outcome: "failed",
    found: expect.stringContaining("step rebuild failed"),
  });
  expect(check(aRecord({ rtoSeconds: 901 }))).toMatchObject({ outcome: "failed" });
});

test("what nobody rehearsed, or could look at, is not passed", () => {
  expect(rehearsalCheck(seen(undefined), objectives)).toMatchObject({
    outcome: "could-not-look",
    move: expect.stringContaining("rekindle gameday --record"),
  });
  expect(rehearsalCheck(unseen, objectives).outcome).toBe("could-not-look");
});

it("takes the newest of what several places know", () => {
  const newer = aRecord({ startedAt: "2026-11-25T03:00:00.000Z" });
  const known = [
    { kept: "this machine", record: aRecord() },
    { kept: "the catalog in eu-central-1", record: newer },
    { kept: "the catalog in eu-west-1", record: undefined },
  ];
  expect(lastRehearsal(known)).toEqual({ kept: "the catalog in eu-central-1", record: newer });
  expect(lastRehearsal([])).toBeUndefined();
});
