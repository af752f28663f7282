import { afterEach, expect, it, vi } from "vitest";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { awsAccessOfShell } from "../../bootstrap/entry/shell.ts";

const access = () =>
  awsAccessOfShell({
    clock: systemClock,
    stopwatch: new Stopwatch(systemClock),
    signal: new AbortController().signal,
  });

afterEach(() => vi.unstubAllEnvs());

it.each([
  ["", undefined],
  ["http://127.0.0.1:4566", "http://127.0.0.1:4566"],
])("takes the shell's endpoint %j", (given, taken) => {
  vi.stubEnv("AWS_ENDPOINT_URL", given);
  expect(access().endpoint).toBe(taken);
});

it("refuses an endpoint that is no URL, and names it", () => {
  vi.stubEnv("AWS_ENDPOINT_URL", "bogus");
  expect(access).toThrow('AWS_ENDPOINT_URL is "bogus", which is no URL');
});
