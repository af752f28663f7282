import { describe, expect, it } from "vitest";
import { afterMoment, pointEntries, pointKey, pointStem } from "../../bootstrap/recovery/point-index.ts";
import { aPoint } from "../builders.ts";

const older = aPoint({ takenAt: "2026-11-24T10:00:00.000Z" });
const newer = aPoint({ takenAt: "2026-11-24T10:00:00.001Z" });

async function entries(...pages: string[][]) {
  const found = [];
  for await (const { id, status } of pointEntries(pages)) found.push([id, status]);
  return found;
}

describe("the index of recovery points", () => {
  it("sorts the newest first", () => {
    expect([pointKey(older), pointKey(newer)].sort()).toEqual([pointKey(newer), pointKey(older)]);
  });

  it("begins a listing at a moment with the point of that moment", () => {
    const from = (moment: string) =>
      [newer, older].map(pointKey).filter((key) => key > afterMoment(moment)).length;
    expect(from(newer.takenAt)).toBe(2);
    expect(from(older.takenAt)).toBe(1);
    expect(from("2026-11-24T09:59:59.999Z")).toBe(0);
    expect(from("9999-01-01T00:00:00.000Z")).toBe(2);
  });

  it("tells name, age and status of a point by its key", async () => {
    const { value } = await pointEntries([[pointKey(older)]]).next();
    expect(value).toMatchObject({ id: older.id, startedAt: older.takenAt, status: "complete" });
  });

  it("takes the furthest of two keys that a change of status left, also across pages", async () => {
    const pending = pointKey({ ...older, status: "pending" });
    const removing = pointKey({ ...newer, status: "removing" });
    const keys = [pointKey(newer), removing, pointKey(older), pending].sort();
    const expected = [
      [newer.id, "removing"],
      [older.id, "complete"],
    ];
    expect(await entries(keys)).toEqual(expected);
    expect(await entries(...keys.map((key) => [key]))).toEqual(expected);
  });

  it.each([
    "catalog/points/readme.txt",
    "catalog/points/8204000000000-point-20261124t100000000z.complete.json",
    pointKey(older).replace("complete", "odd"),
  ])("tells of %s that it is not understood", async (key) => {
    expect(await entries([key])).toEqual([[key, "unknown"]]);
  });

  it("refuses a name that tells no time", () => {
    expect(() => pointKey({ id: "point-x", status: "complete" })).toThrow(
      '"point-x" is no name of a recovery point',
    );
    expect(pointStem("point-20261332t990000000z")).toBeUndefined();
  });
});
