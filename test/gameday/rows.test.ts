import { describe, expect, it } from "vitest";
import { dataLoss, isOurs, type Row } from "../../bootstrap/gameday/rows.ts";

const rows: Row[] = [1, 2, 3, 4].map((id) => ({ id, at: `2026-11-24T10:00:0${id}.000Z` }));
const faultAt = "2026-11-24T10:00:05.500Z";

describe("the loss of data", () => {
  it("is what was written after the newest row that came back", () => {
    expect(dataLoss(rows, rows[1], faultAt)).toEqual({
      written: 4,
      lastWritten: rows[3],
      cameBack: rows[1],
      lost: 2,
      rpoSeconds: 3.5,
    });
  });

  it("grows by exactly the time without a fresh recovery point, whether clients could write in it or not", () => {
    const later = "2026-11-24T10:01:05.500Z";
    expect(dataLoss(rows, rows[1], later).rpoSeconds! - dataLoss(rows, rows[1], faultAt).rpoSeconds!).toBe(
      60,
    );
    const more = [...rows, { id: 5, at: "2026-11-24T10:01:05.000Z" }];
    expect(dataLoss(more, rows[1], later)).toMatchObject({ rpoSeconds: 63.5, lost: 3 });
  });

  it("is everything when nothing came back, and then there is no RPO", () => {
    expect(dataLoss(rows, undefined, faultAt)).toEqual({ written: 4, lastWritten: rows[3], lost: 4 });
  });
});

describe("a row that came back", () => {
  it("is ours by number and moment, however the moment is written", () => {
    expect(isOurs(rows, { id: 2, at: "2026-11-24T11:00:02.000+01:00" })).toBe(true);
  });

  it("is another database's when its moment is another, or its number was never given", () => {
    expect(isOurs(rows, { id: 2, at: "2026-11-24T10:00:02.001Z" })).toBe(false);
    expect(isOurs(rows, { id: 9, at: rows[3]!.at })).toBe(false);
  });
});
