import { describe, expect, test } from "vitest";
import { restoreTime } from "../../../../sandbox/bodies/rds/restore-time.ts";

const from = new Date("2026-11-24T10:00:00Z");
const to = new Date("2026-11-24T11:00:00Z");
const asked = (values: Record<string, string>, window: { from: Date | undefined; to: Date } = { from, to }) =>
  restoreTime(new URLSearchParams(values), window);

describe("a restore to a point in time", () => {
  test("goes to the moment that is asked for, to the millisecond", () => {
    expect(asked({ RestoreTime: "2026-11-24T10:30:00.125Z" })).toBe("2026-11-24T10:30:00.125Z");
  });

  test("goes as far as the log does when the latest moment is asked for", () => {
    expect(asked({ UseLatestRestorableTime: "true" })).toBeUndefined();
  });

  test.for<[string, Record<string, string>, string]>([
    ["before the first backup", { RestoreTime: "2026-11-24T09:59:59Z" }, "InvalidParameterValue"],
    ["after the last moment", { RestoreTime: "2026-11-24T11:00:01Z" }, "InvalidParameterValue"],
    ["at no time", { RestoreTime: "yesterday" }, "InvalidParameterValue"],
    ["at a moment that is not told", {}, "InvalidParameterCombination"],
    [
      "at two moments",
      { RestoreTime: "2026-11-24T10:30:00Z", UseLatestRestorableTime: "true" },
      "InvalidParameterCombination",
    ],
  ])("%s is refused", ([, values, code]) => {
    expect(() => asked(values)).toThrow(expect.objectContaining({ code }));
  });

  test("of an instance without backups is refused", () => {
    expect(() => asked({ UseLatestRestorableTime: "true" }, { from: undefined, to })).toThrow(
      expect.objectContaining({ code: "PointInTimeRestoreNotEnabled" }),
    );
  });
});
