import { expect, test } from "vitest";
import type { Step } from "../../bootstrap/gameday/report.ts";
import { spentOnTheClock, withDataTime } from "../../bootstrap/gameday/spent.ts";
import { recoveryTime } from "../../bootstrap/gameday/verdict.ts";

const at = (second: number) => Date.parse("2026-11-24T10:00:00.000Z") + second * 1000;

function aStep(name: string, from: number, seconds: number, spent: Partial<Step["spent"]>): Step {
  return {
    name,
    startedAt: new Date(at(from)).toISOString(),
    seconds,
    spent: { terraform: 0, aws: 0, boot: 0, data: 0, passing: 0, rekindle: 0, ...spent },
    onTheClock: true,
    outcome: "passed",
  };
}

const steps = [
  aStep("rebuild", 0, 10, { terraform: 9, rekindle: 1 }),
  aStep("first page", 10, 6, { boot: 6 }),
  aStep("verify", 16, 2, { aws: 1.5, rekindle: 0.5 }),
];

test("data time is the part of waiting for servers in which one of them was at its data, each moment once", () => {
  const spans = [
    { from: at(8), to: at(11) },
    { from: at(12), to: at(14) },
    { from: at(13), to: at(14.5) },
    { from: at(15.75), to: at(30) },
  ];
  expect(withDataTime(steps, spans).map(({ spent: { boot, data } }) => ({ boot, data }))).toEqual([
    { boot: 0, data: 0 },
    { boot: 2.25, data: 3.75 },
    { boot: 0, data: 0 },
  ]);
});

test("the parts of the time on the clock add up to the RTO", () => {
  const split = withDataTime([...steps, { ...steps[0]!, onTheClock: false }], [{ from: at(11), to: at(13) }]);
  const spent = spentOnTheClock(split);
  expect(spent).toEqual({ terraform: 9, aws: 1.5, boot: 4, data: 2, passing: 0, rekindle: 1.5 });
  expect(Object.values(spent).reduce((sum, one) => sum + one)).toBe(recoveryTime(split));
});
