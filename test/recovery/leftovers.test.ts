import { describe, expect, it } from "vitest";
import { KnownPoints } from "../../bootstrap/recovery/known-points.ts";
import { type Explained, leftoverImages, leftoverSnapshots } from "../../bootstrap/recovery/leftovers.ts";
import { aPoint, recovery } from "../builders.ts";

const known = aPoint({ takenAt: "2026-11-20T10:00:00.000Z" });
const explained = (changes: Partial<Explained> = {}): Explained => {
  const points = new KnownPoints();
  for (const day of ["22", "21", "20"]) points.add({ startedAt: `2026-11-${day}T10:00:00.000Z` });
  points.add({ startedAt: "" });
  const none = new Set<string>();
  return { points, images: none, ofImages: none, before: "2026-11-23T00:00:00.000Z", ...changes };
};
const held = { id: "snap-1", point: "", startedAt: "2026-11-20T10:00:00.000Z" };
const left = (one: object, changes: Partial<Explained> = {}) =>
  leftoverSnapshots(recovery, "snapshot", [{ ...held, ...one }], explained(changes)).map(({ why }) => why);

describe("what is left over", () => {
  it.each([
    ["a snapshot of no point", {}, {}, ["made for no recovery point"]],
    ["one of a known point", { point: known.id }, {}, []],
    [
      "one of a point that no catalog has",
      { point: "point-20261120t100000001z" },
      {},
      ["made for point-20261120t100000001z, which is in no region's catalog"],
    ],
    ["one of an image", {}, { ofImages: new Set(["snap-1"]) }, []],
    ["one that something may still work on", { startedAt: "2026-11-23T10:00:00.000Z" }, {}, []],
  ])("%s", (_what, one, changes, why) => {
    expect(left(one, changes)).toEqual(why);
  });

  it("an image that no catalog has, once it is old enough", () => {
    const image = { id: "ami-1", name: "rekindle-shop-web", createdAt: "2026-11-20T10:00:00.000Z" };
    const ids = (changes: Partial<Explained>) =>
      leftoverImages(recovery, [image], explained(changes)).map(({ id }) => id);
    expect(ids({})).toEqual(["ami-1"]);
    expect(ids({ images: new Set(["ami-1"]) })).toEqual([]);
    expect(ids({ before: "2026-11-19T00:00:00.000Z" })).toEqual([]);
  });
});
