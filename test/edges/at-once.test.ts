import { expect, it } from "vitest";
import { AtOnce } from "../../bootstrap/edges/at-once.ts";

it("never runs more than its limit, goes on after a failure, and keeps the order", async () => {
  const turns = new AtOnce(2);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const work = (number: number) =>
    turns.run(async () => {
      begun.push(number);
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      if (number === 1) throw new Error("one fails");
    });
  const outcomes = await Promise.allSettled([0, 1, 2, 3, 4].map(work));
  expect(outcomes.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  expect({ begun, most }).toEqual({ begun: [0, 1, 2, 3, 4], most: 2 });
});
