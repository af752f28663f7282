import { expect, test } from "vitest";
import { divide } from "../../bootstrap/dump/divide.ts";
import { mostParts, partBytes } from "../../bootstrap/dump/upload-parts.ts";

const GiB = 2 ** 30;
const all = (expected: number) => {
  const sizes = Array.from({ length: mostParts }, (_, index) => partBytes(index + 1, expected));
  return { sizes, total: sizes.reduce((sum, one) => sum + one, 0) };
};

test("ten thousand parts hold far more than what was expected, down to nothing expected", () => {
  for (const expected of [0, 1, GiB, 100 * GiB, 5 * 1024 * GiB]) {
    const { sizes, total } = all(expected);
    expect(total).toBeGreaterThan(2 * 1024 * GiB);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5 * GiB);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  }
});

test("parts are of 8 MiB up to 62 GiB, and no larger than a dump that was expected needs", () => {
  expect(new Set(all(0).sizes.slice(0, 8_000))).toEqual(new Set([8 * 2 ** 20]));
  expect(partBytes(1, 500 * GiB)).toBe(64 * 2 ** 20);
});

test("a table has an archive of its own when it weighs a sixteenth of all", () => {
  const tables = [
    { table: "small", bytes: 5 },
    { table: "b", bytes: 100 },
    { table: "a", bytes: 100 },
    { table: "empty", bytes: 0 },
  ];
  expect(divide(tables).map(({ table }) => table)).toEqual(["a", "b"]);
  expect(divide([])).toEqual([]);
});
