import { describe, expect, it } from "vitest";
import { momentOf, releaseAt } from "../../bootstrap/history/live-at.ts";
import { type HistoryRecord, historyKey, releaseInKeys } from "../../bootstrap/release/history.ts";
import { aCommit } from "../commit.ts";

const record = (at: string, release: string): HistoryRecord => ({
  version: 1,
  at,
  kind: "publish",
  release,
  commit: "a".repeat(40),
  ...aCommit,
  publisher: "arn:somebody",
  previous: null,
  reason: null,
});
const history = [
  record("2026-11-24T12:00:00.000Z", "third"),
  record("2026-11-24T11:00:00.000Z", "second"),
  record("2026-11-24T10:00:00.000Z", "first"),
];

describe("the release that was live", () => {
  it.each([
    ["before the first publication is none", "2026-11-24T09:59:59Z", undefined],
    ["at the moment of a publication is that one", "2026-11-24T11:00:00Z", "second"],
    ["between two is the earlier one", "2026-11-24T11:59:59.999Z", "second"],
    ["after all is the newest", "2027-01-01", "third"],
    ["is found by the time of another zone", "2026-11-24T11:30:00+01:00", "first"],
  ])("%s", (_name, time, expected) => {
    expect(releaseAt(history, momentOf(time)!)).toBe(expected);
    const keys = history.map(historyKey).sort();
    expect(releaseInKeys(keys, new Date(momentOf(time)!).toISOString())).toBe(expected);
  });
});

describe("a time", () => {
  it.each([
    "2026-11-24T10:00",
    "2026-11-24T10:00:00Z",
    "2026-11-24T10:00:00.000+00:00",
  ])("%s is one, in UTC where it names no zone", (text) =>
    expect(momentOf(text)).toBe(Date.parse("2026-11-24T10:00:00Z")));

  it.each([
    "HEAD",
    "2026",
    "20261124",
    "2026-13-01",
    "2026-02-30T10:00:00Z",
    "v2026-11-24",
    "2026-11-24 10:00",
  ])("%s is none", (text) => expect(momentOf(text)).toBeUndefined());
});
