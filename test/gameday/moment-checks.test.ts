import { describe, expect, it } from "vitest";
import { momentChecks, rowsOfMoment } from "../../bootstrap/gameday/moment-checks.ts";
import type { Row } from "../../bootstrap/gameday/rows.ts";
import type { DatabasePin } from "../../bootstrap/recovery/database-pin.ts";
import type { RecoveryPlan } from "../../bootstrap/recovery/plan.ts";

const asOf = "2026-11-24T10:00:05.600Z";
const second = "2026-11-24T10:00:05Z";
const inTime: DatabasePin = {
  kind: "point-in-time",
  source: { kind: "replicated", arn: "a" },
  restoreTime: second,
};

function aPlan(sets: Record<string, string>, pin: DatabasePin = inTime): RecoveryPlan {
  const dataSets = Object.entries(sets).map(([name, takenAt]) => ({ name, takenAt, rpoSeconds: 0 }));
  return { dataSets, pins: { databases: { ledger: pin } } } as unknown as RecoveryPlan;
}
const failed = (checks: { name: string; passed: boolean }[]) =>
  checks.filter(({ passed }) => !passed).map(({ name }) => name);

describe("a day to a past moment", () => {
  it.each([
    ["the second itself", { ledger: second }, inTime, []],
    ["another second", { ledger: "2026-11-24T10:00:04Z" }, inTime, ["moment of ledger"]],
    ["volumes from before", { "db-0": "2026-11-24T09:59:00.000Z" }, inTime, []],
    ["volumes from after", { "db-0": "2026-11-24T10:00:05.601Z" }, inTime, ["moment of db-0"]],
    [
      "a snapshot from before",
      { ledger: "2026-11-24T09:00:00.000Z" },
      { kind: "snapshot" as const, snapshotId: "s" },
      [],
    ],
  ])("judges data of %s", (_, sets, pin, expected) => {
    expect(failed(momentChecks(aPlan(sets, pin), asOf))).toEqual(expected);
  });

  /** A row each 400 ms: the fifth was begun just before the second, the sixth just after. */
  const rows: Row[] = [1, 2, 3, 4, 5, 6, 7, 8].map((id) => ({
    id,
    at: new Date(Date.parse(second) - 2_000 + id * 398).toISOString(),
  }));
  const last = (id: number) => rows.find((row) => row.id === id);

  it.each([
    [5, []],
    // It may have been committed after the second.
    [4, []],
    [3, [`every row until ${second} came back`]],
    [6, ["no row is newer than the moment"]],
    [8, ["no row is newer than the moment"]],
    [0, ["no row is newer than the moment", `every row until ${second} came back`]],
  ])("judges that row %i is the newest that came back", (id, expected) => {
    expect(failed(rowsOfMoment(aPlan({ ledger: second }), asOf, rows, last(id)))).toEqual(expected);
  });
});
