import { describe, expect, test } from "vitest";
import { type Change, faultsAfter, replace } from "./builders.ts";

const objectives = "objectives: { rpo: 1h, rto: 15m }\n";

/** The shop with a schedule, and with what else is written below it. */
function scheduled(schedule: string, rest = ""): Change {
  return replace("environment", objectives, `${objectives}schedule: ${schedule}\n${rest}`);
}

describe("a schedule", () => {
  test.each([
    ['{ points: { at: "rate(1 hour)" } }'],
    ['{ timezone: Europe/Berlin, points: { at: "cron(0/30 8-18 ? * MON-FRI *)", maxErrors: "5%" } }'],
    ['{ backups: { at: "cron(0 3 * * ? *)", keepDays: 35, restoreTests: "cron(0 6 ? * SUN#1 *)" } }'],
    ['{ points: { at: "rate(1 hour)", maxConcurrency: "100%", maxErrors: "0%" } }'],
    ['{ images: { at: "cron(0 2 * * ? *)", keep: 7, reboot: true } }'],
  ])("may be %s", (schedule) => {
    expect(faultsAfter(scheduled(schedule))).toEqual([]);
  });

  test.each([
    ['{ points: { at: "every hour" } }', "an AWS cron of six fields"],
    ['{ points: { at: "cron(0 3 * * *)" } }', "an AWS cron of six fields"],
    ['{ backups: { at: "rate(1 day)", keepDays: 35 } }', "an AWS cron of six fields"],
    ['{ points: { at: "rate(1 hour)", maxErrors: "many" } }', "a quoted number of servers"],
    ['{ points: { at: "rate(1 hour)", maxErrors: "101%" } }', "a quoted number of servers"],
    ['{ points: { at: "rate(1 hour)", maxConcurrency: "0" } }', "a quoted number of servers, at least 1"],
    ['{ points: { at: "rate(1 hour)", maxConcurrency: "150%" } }', "a quoted number of servers, at least 1"],
    ['{ images: { at: "cron(0 2 * * ? *)", keep: 0 } }', "keep"],
    ['{ point: { at: "rate(1 hour)" } }', 'did you mean "points"?'],
  ])("%s is refused where it stands", (schedule, says) => {
    const [fault, ...others] = faultsAfter(scheduled(schedule));
    expect(fault).toContain(says);
    expect(others).toEqual([]);
  });

  test("that can't hold the RPO is refused", () => {
    expect(faultsAfter(scheduled('{ points: { at: "rate(60 minutes)" } }'))).toEqual([]);
    expect(faultsAfter(scheduled('{ points: { at: "rate(61 minutes)" } }'))).toEqual([
      expect.stringContaining("schedule.points.at is rate(61 minutes), and objectives.rpo is 1h"),
    ]);
  });

  test("that keeps backups for less than their vault is locked is refused", () => {
    const backups = (keepDays: number) =>
      faultsAfter(
        scheduled(
          `{ backups: { at: "cron(0 3 * * ? *)", keepDays: ${keepDays} } }`,
          "protection: { retention: { mode: governance, days: 30 } }\n",
        ),
      );
    expect(backups(30)).toEqual([]);
    expect(backups(29)).toEqual([expect.stringContaining("AWS Backup would refuse every backup")]);
  });
});
