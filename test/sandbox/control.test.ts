import { describe, expect, test } from "vitest";
import { runningSandbox } from "./gateway.ts";

const sandbox = runningSandbox();

async function control(method: string, path: string, body?: string, headers = {}) {
  const response = await fetch(`${sandbox().endpoint}/_rekindle${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, ...((await response.json()) as { error: string }) };
}

describe("the control API refuses", () => {
  test.for([
    ["PUT", "/regions/mars", '{"state":"lost"}', '"mars" is not the name of a region'],
    ["PUT", "/regions/eu-west-1", '{"state":"gone"}', 'state is "gone"; give "lost" or "up"'],
    ["PUT", "/regions/eu-west-1", '{"state":"lost","mode":"slow"}', 'mode is "slow"; give one of refused'],
    ["PUT", "/builders", '{"outcome":"explodes"}', 'outcome is "explodes"'],
    ["POST", "/faults", "[]", "the body is not a JSON object"],
    ["POST", "/faults", "{", "the body is not a JSON object"],
    ["POST", "/faults", '{"kind":"500","region":"mars"}', 'region is "mars"; give the name of one'],
    ["POST", "/faults", '{"kind":"latency"}', "latencyMs is undefined"],
  ] as const)("%s %s %s", async ([method, path, body, reason]) => {
    expect(await control(method, path, body)).toEqual({
      status: 400,
      error: expect.stringContaining(reason),
    });
  });

  test("a number that no request has", async () => {
    expect(await control("GET", "/requests?since=yesterday")).toMatchObject({ status: 400 });
  });

  test("what a web page asks for", async () => {
    const answer = await control("POST", "/stop", undefined, { origin: "https://example.com" });
    expect(answer).toMatchObject({ status: 400, error: "requests of web pages are refused" });
  });

  test.for(["", "/", "/unknown", "/faults/one/two"])("an unknown path: %s", async (path) => {
    expect(await control("GET", path)).toMatchObject({ status: 404 });
  });

  test("to remove a fault that is not there", async () => {
    expect(await control("DELETE", "/faults/fault-99")).toMatchObject({ status: 404 });
  });
});

test("the status says what the emulator does not do", async () => {
  const { limits, moto, lostRegions } = await sandbox().status();
  expect(limits.join("\n")).toContain("user-data is not run");
  expect(moto.alive).toBe(true);
  expect(lostRegions).toEqual([]);
});

test("the log is read on from where it was left", async () => {
  const { endpoint } = sandbox();
  await fetch(`${endpoint}/one-bucket`);
  const { next } = await sandbox().requestsSince(0);
  await fetch(`${endpoint}/other-bucket`);
  const { requests } = await sandbox().requestsSince(next);
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({ seq: next, outcome: "forwarded", status: 404 });
});
