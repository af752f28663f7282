import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { keepGameDay, newestGameDayHere, newestKeptGameDay } from "../../bootstrap/edges/gameday-records.ts";
import type { GameDayRecord } from "../../bootstrap/gameday/record.ts";
import type { GameDayReport } from "../../bootstrap/gameday/report.ts";
import { MemoryStore } from "../fakes/memory-store.ts";

function aReport(id: string): GameDayReport {
  return {
    version: 1,
    id,
    environment: "shop",
    commit: "a".repeat(40),
    scenario: {
      kind: "region-lost",
      region: "eu-west-1",
      recoveryRegion: "eu-central-1",
      mode: "refused",
      engine: "none",
      passedOver: [],
    },
    startedAt: "2026-11-24T03:00:00.000Z",
    kept: false,
    steps: [],
    checks: [],
    boots: [],
    consoles: [],
    rpo: [],
    rtoSeconds: 100,
    rtoSpent: { terraform: 0, aws: 0, boot: 0, data: 0, passing: 0, rekindle: 0 },
    objectives: { rpoSeconds: 3600, rtoSeconds: 900 },
    verdict: "passed",
    reasons: [],
    overheadShare: 0,
    limits: [],
  };
}

async function folderWith(reports: Record<string, string | undefined>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-gamedays-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [id, text] of Object.entries(reports)) {
    await mkdir(join(folder, id));
    if (text !== undefined) await writeFile(join(folder, id, "report.json"), text);
  }
  return folder;
}

it("finds the newest game day of an environment on this machine, and passes over one that has not ended", async () => {
  const ids = ["shop-20261124t030000-aa", "shop-20261125t030000-bb", "shop-eu-20261126t030000-cc"];
  const folder = await folderWith({
    ...Object.fromEntries(ids.map((id) => [id, JSON.stringify(aReport(id))])),
    "shop-20261127t030000-dd": undefined,
  });
  expect(await newestGameDayHere(folder, "shop")).toMatchObject({
    id: ids[1],
    engine: "none",
    rtoSeconds: 100,
  });
  expect(await newestGameDayHere(folder, "ledger")).toBeUndefined();
  expect(await newestGameDayHere(join(folder, "none"), "shop")).toBeUndefined();
});

it("names a report that it can't read", async () => {
  const folder = await folderWith({ "shop-20261124t030000-aa": "{" });
  await expect(newestGameDayHere(folder, "shop")).rejects.toThrow(
    /shop-20261124t030000-aa\/report.json is not JSON/,
  );
});

it("gives back the newest game day that a catalog was given, however often", async () => {
  const store = new MemoryStore();
  expect(await newestKeptGameDay(store)).toBeUndefined();
  const record = (id: string): GameDayRecord => ({
    version: 1,
    id,
    environment: "shop",
    commit: "a",
    engine: "box",
    startedAt: "2026-11-24T03:00:00.000Z",
    verdict: "failed",
    reasons: ["nothing was verified"],
    rpo: [],
    objectives: { rpoSeconds: 3600, rtoSeconds: 900 },
  });
  const newest = record("shop-20261125t030000-aa");
  for (const one of [newest, record("shop-20261124t030000-bb"), newest]) await keepGameDay(store, one);
  expect(await newestKeptGameDay(store)).toEqual(newest);
  expect(await store.list("catalog/gamedays/")).toHaveLength(2);
});
