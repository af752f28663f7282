import { describe, expect, it } from "vitest";
import { describeCopies, remainingSeconds } from "../../bootstrap/recovery/copy-progress.ts";

const copies = [
  { sizeGiB: 100, percent: 100 },
  { sizeGiB: 100, percent: 20 },
  { sizeGiB: 200, percent: 0 },
];

describe("the time that copies still take", () => {
  it("is in proportion to what they have moved", () => {
    expect(remainingSeconds(copies, 120)).toBeCloseTo((120 * 280) / 120);
  });

  it("is not known before anything was moved, and nothing when all was", () => {
    expect(remainingSeconds([{ sizeGiB: 10, percent: 0 }], 60)).toBeUndefined();
    expect(remainingSeconds([{ sizeGiB: 10, percent: 100 }], 60)).toBe(0);
  });
});

it.each([
  [120, "eu-central-1: 1 of 3 copies, 30 % of 400 GiB, about 5 min left"],
  [12, "eu-central-1: 1 of 3 copies, 30 % of 400 GiB, about 28 s left"],
  [7200, "eu-central-1: 1 of 3 copies, 30 % of 400 GiB, about 4.7 h left"],
])("after %d seconds progress reads in one line", (elapsed, line) => {
  expect(describeCopies("eu-central-1", copies, elapsed)).toBe(line);
});
