import { describe, expect, it } from "vitest";
import {
  planDatabaseRestore,
  type RestoreRequest,
  type RestoreWish,
  restoreNames,
} from "../../bootstrap/recovery/database-restore.ts";
import { aDatabaseSet, aPoint, primary } from "../builders.ts";

const identifier = "rekindle-shop-primary-ledger";
const live = {
  database: "ledger",
  source: { kind: "live" as const, identifier },
  from: "2026-11-24T09:30:00.000Z",
  until: "2026-11-24T11:55:03.400Z",
};
const taken = (takenAt: string) => aPoint({ takenAt, sets: [aDatabaseSet(takenAt)] });
const old = taken("2026-11-23T10:00:00.000Z");
const recent = taken("2026-11-24T10:00:00.000Z");
const asOf = (moment: string): RestoreWish => ({ kind: "as-of", moment });

function plan(wish: RestoreWish, changes: Partial<RestoreRequest> = {}) {
  const names = restoreNames(identifier, wish);
  return planDatabaseRestore({
    database: "ledger",
    names,
    region: primary,
    wish,
    restorable: [live],
    points: [old, recent],
    ...changes,
  });
}

describe("a database that is restored in its own place", () => {
  it.each<[string, RestoreWish, object]>([
    [
      "goes to the second that its log reaches",
      asOf("2026-11-24T10:30:00.900Z"),
      {
        from: { kind: "point-in-time", restoreTime: "2026-11-24T10:30:00Z" },
        takenAt: "2026-11-24T10:30:00Z",
      },
    ],
    [
      "comes from the newest snapshot before a moment that the log does not reach",
      asOf("2026-11-24T09:00:00.000Z"),
      { from: { kind: "snapshot", snapshotId: "ledger-p" }, takenAt: old.takenAt },
    ],
    [
      "comes from the snapshot of a point that was asked for",
      { kind: "point", id: recent.id },
      { from: { kind: "snapshot", snapshotId: "ledger-p" }, takenAt: recent.takenAt },
    ],
  ])("%s", (_, wish, restore) => {
    expect(plan(wish)).toMatchObject({ kind: "planned", restore });
  });

  it.each<[string, RestoreWish, string]>([
    [
      "later than its log",
      asOf("2026-11-24T11:56:00.000Z"),
      "its log reaches from 2026-11-24T09:30:00.000Z until",
    ],
    [
      "older than all",
      asOf("2026-11-22T00:00:00.000Z"),
      "has no snapshot of ledger of 2026-11-22T00:00:00.000Z or before",
    ],
    ["of an unknown point", { kind: "point", id: "point-x" }, "has no snapshot of ledger in point point-x"],
  ])("is refused a moment %s", (_, wish, reason) => {
    const refused = plan(wish);
    expect(refused.kind === "refused" && refused.reasons.join()).toContain(reason);
  });

  it("passes over a snapshot that a prune has begun to remove", () => {
    const points = [old, { ...recent, status: "removing" as const }];
    const { takenAt } = recent;
    expect(plan(asOf(takenAt), { points, restorable: [] })).toMatchObject({
      restore: { takenAt: old.takenAt },
    });
    expect(plan({ kind: "point", id: recent.id }, { points })).toMatchObject({ kind: "refused" });
  });

  it("takes no backup of another region", () => {
    const replicated = { ...live, source: { kind: "replicated" as const, arn: "arn:backup" } };
    expect(plan(asOf("2026-11-24T10:30:00.000Z"), { restorable: [replicated] })).toMatchObject({
      restore: { from: { kind: "snapshot" } },
    });
  });
});

describe("the names of a restore", () => {
  it("follow from the wish, so that another run finds what the first one made", () => {
    expect(restoreNames(identifier, asOf("2026-11-24T10:30:00.900Z"))).toEqual({
      identifier,
      aside: `${identifier}-at-20261124t103000z`,
      kept: `${identifier}-before-20261124t103000z`,
    });
    expect(restoreNames(identifier, { kind: "point", id: recent.id }).aside).toBe(
      `${identifier}-at-20261124t100000000z`,
    );
  });

  it("are names that RDS takes, however long the database's is", () => {
    for (const length of [20, 19, 18, 17, 16, 15]) {
      const long = `rekindle-${"e".repeat(20)}-primary-${`${"d-".repeat(10)}`.slice(0, length)}x`;
      for (const name of Object.values(restoreNames(long, { kind: "point", id: recent.id })).slice(1))
        expect(name).toMatch(/^(?=.{1,63}$)[a-z]([a-z0-9]|-(?!-))*[a-z0-9]$/);
    }
  });
});
