import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../bootstrap/edges/clock.ts";
import { takeRunLock } from "../../../bootstrap/edges/hosts/run-lock.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rekindle-lock-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

const take = (waitMs = 0) =>
  takeRunLock(join(folder, "lock"), {
    waitMs,
    clock: { ...systemClock, sleep: () => systemClock.sleep(10) },
    signal: new AbortController().signal,
    print: () => undefined,
  });

test("one has it, the next is refused, and whoever waits gets it when it is released", async () => {
  const release = await take();
  await expect(take()).rejects.toThrow(`another run (process ${process.pid}) is collecting in this project`);
  const waiting = take(10_000);
  await systemClock.sleep(50);
  await release();
  await (await waiting)();
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  "",
  "rubbish",
  "4194304 Mon Jan 1 00:00:00 2024",
  `${process.pid} Mon Jan 1 00:00:00 2024`,
])("a lock that says %j is nobody's", async (content) => {
  await writeFile(join(folder, "lock"), content);
  await (await take())();
});
