import { describe, expect, it } from "vitest";
import { dumpStatus } from "../../bootstrap/status/dumps.ts";
import { primary, recovery } from "../builders.ts";
import { aDump, aDumpPart } from "../dump/builders.ts";
import { now, seen, unseen } from "./builders.ts";

const hour = 3600;

describe("a dump's age", () => {
  it("is that of the newest which the region holds whole, against its own objective", () => {
    const dumps = [
      aDump({ id: "older", takenAt: "2026-11-24T09:00:00.000Z" }),
      aDump({ id: "newest", takenAt: "2026-11-24T10:00:00.000Z" }),
      aDump({
        id: "elsewhere",
        takenAt: "2026-11-24T10:20:00.000Z",
        parts: [aDumpPart({ versions: { [primary]: "v" } })],
      }),
    ];
    const found = (rpoSeconds: number) => dumpStatus("main", seen({ dumps, now }), recovery, rpoSeconds);
    expect(found(1800)).toEqual({
      name: "dump main",
      outcome: "passed",
      rpoSeconds: 1800,
      newest: {
        point: "newest",
        takenAt: "2026-11-24T10:00:00.000Z",
        ageSeconds: 1800,
        consistency: "application",
      },
      found: "1800 s old, RPO 1800 s, application consistent, newest",
    });
    expect(found(1799).outcome).toBe("failed");
  });

  it("fails where there is none, with the reason or the next move", () => {
    expect(dumpStatus("main", seen({ dumps: [], now }), recovery, hour)).toMatchObject({
      outcome: "failed",
      found: `there is none in ${recovery}: rekindle dump main`,
    });
    const failed = aDump({ status: "failed", faults: ["no space"] });
    expect(dumpStatus("main", seen({ dumps: [failed], now }), recovery, hour)).toMatchObject({
      outcome: "failed",
      found: expect.stringContaining("it failed: no space"),
    });
  });

  it("is not known where nobody could look", () => {
    expect(dumpStatus("main", unseen, recovery, hour)).toMatchObject({
      outcome: "could-not-look",
      found: unseen.reason,
    });
  });
});
