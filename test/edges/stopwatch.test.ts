import { expect, test } from "vitest";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";

test("waits that overlap count once, as what comes first: servers before the calls that ask for them", async () => {
  let now = 0;
  const pass = async (seconds: number) => {
    now += seconds * 1000;
  };
  const stopwatch = new Stopwatch({ monotonic: () => now } as never);
  await stopwatch.during("aws", () => pass(1));
  await pass(10);
  await stopwatch.during("boot", async () => {
    await stopwatch.during("aws", () => pass(2));
    await stopwatch.during("aws", async () => {
      await stopwatch.during("terraform", () => pass(4));
      await pass(0.5);
    });
  });
  expect(stopwatch.read()).toEqual({ terraform: 4, boot: 2.5, aws: 1, passing: 0 });
});
