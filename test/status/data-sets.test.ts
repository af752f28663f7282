import { describe, expect, it } from "vitest";
import { expectedData } from "../../bootstrap/recovery/resolve.ts";
import { dataSetStatuses } from "../../bootstrap/status/data-sets.ts";
import { aPoint, aTopology, recovery } from "../builders.ts";
import { seen, unseen } from "./builders.ts";

const hour = 3600;
const at = (points: ReturnType<typeof aPoint>[], now: string) => {
  const expected = expectedData(aTopology(), recovery);
  return dataSetStatuses(seen({ points, now, byTime: {}, wanted: { ...expected, now } }), expected, hour);
};

describe("a data set's age", () => {
  it("is that of the newest complete point, by the time that it is given", () => {
    const points = [
      aPoint({ takenAt: "2026-11-24T09:00:00.000Z" }),
      aPoint({ takenAt: "2026-11-24T10:00:00.000Z" }),
      aPoint({ takenAt: "2026-11-24T10:20:00.000Z", status: "incomplete", faults: ["no copy"] }),
    ];
    expect(at(points, "2026-11-24T10:30:00.000Z")).toMatchObject([
      {
        name: "db-0",
        outcome: "passed",
        newest: { takenAt: "2026-11-24T10:00:00.000Z", ageSeconds: 1800, consistency: "crash" },
        found: "1800 s old, RPO 3600 s, crash consistent, point-20261124t100000000z",
      },
    ]);
  });

  it("fails when it is over the RPO, by a second", () => {
    const points = [aPoint({ takenAt: "2026-11-24T10:00:00.000Z" })];
    expect(at(points, "2026-11-24T11:00:00.000Z")[0]!.outcome).toBe("passed");
    expect(at(points, "2026-11-24T11:00:01.000Z")[0]!.outcome).toBe("failed");
  });

  it("fails when there is no point, and when none is complete in the region", () => {
    expect(at([], "2026-11-24T10:30:00.000Z")).toMatchObject([
      { outcome: "failed", found: expect.stringContaining("there is no recovery point in eu-central-1") },
    ]);
    const [set] = aPoint().sets;
    const elsewhere = { ...set!, volumes: [] } as typeof set;
    expect(at([aPoint({ sets: [elsewhere!] })], "2026-11-24T10:30:00.000Z")).toMatchObject([
      { outcome: "failed", found: expect.stringContaining("no point is complete in eu-central-1") },
    ]);
  });

  it("is not known of a point from the future, which a wrong clock has dated", () => {
    const found = at([aPoint({ takenAt: "2026-11-24T12:00:00.000Z" })], "2026-11-24T10:30:00.000Z");
    expect(found).toMatchObject([{ outcome: "could-not-look" }]);
    expect(found[0]).not.toHaveProperty("newest");
  });

  it("is that of a database's log, where a rebuild would use it, also without any point", () => {
    const expected = { ...expectedData(aTopology(), recovery), servers: {}, databases: ["orders"] };
    const source = { kind: "live" as const, identifier: "orders" };
    const window = {
      database: "orders",
      source,
      from: "2026-11-24T00:00:00Z",
      until: "2026-11-24T10:25:00.5Z",
    };
    const byTime = { orders: { ...window, restoreTime: "2026-11-24T10:25:00Z" } };
    const wanted = { ...expected, databases: [] };
    const found = (now: string) => dataSetStatuses(seen({ points: [], now, byTime, wanted }), expected, hour);
    expect(found("2026-11-24T10:30:00.000Z")).toEqual([
      {
        name: "orders",
        outcome: "passed",
        rpoSeconds: hour,
        newest: { takenAt: "2026-11-24T10:25:00Z", ageSeconds: 300, consistency: "crash" },
        found: "300 s old, RPO 3600 s, crash consistent, latest restorable time of its log",
      },
    ]);
    expect(found("2026-11-24T11:30:00.000Z")).toMatchObject([{ outcome: "failed" }]);
  });

  it("is not known where nobody could look", () => {
    expect(dataSetStatuses(unseen, expectedData(aTopology(), recovery), hour)).toEqual([
      { name: "db-0", outcome: "could-not-look", rpoSeconds: hour, found: "AWS did not answer" },
    ]);
  });
});
