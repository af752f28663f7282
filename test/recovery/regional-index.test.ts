import { expect, it } from "vitest";
import { pointEntries, pointKey } from "../../bootstrap/recovery/point-index.ts";
import { acrossRegions } from "../../bootstrap/recovery/regional-index.ts";
import { aPoint } from "../builders.ts";

it("the index of all regions tells of each point once, the newest first, what each region says", async () => {
  const [first, second, third] = ["09", "10", "11"].map((hour) =>
    aPoint({ takenAt: `2026-11-24T${hour}:00:00.000Z` }),
  ) as [ReturnType<typeof aPoint>, ReturnType<typeof aPoint>, ReturnType<typeof aPoint>];
  const here = [third, first].map(pointKey);
  const there = [{ ...third, status: "incomplete" as const }, second, first].map(pointKey);
  const found: unknown[] = [];
  const indexes = { here: pointEntries([here]), there: pointEntries(there.map((key) => [key])) };
  for await (const { id, statuses } of acrossRegions(indexes)) found.push([id, statuses]);
  expect(found).toEqual([
    [third.id, { here: "complete", there: "incomplete" }],
    [second.id, { there: "complete" }],
    [first.id, { here: "complete", there: "complete" }],
  ]);
});
