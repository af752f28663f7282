import { describe, expect, it } from "vitest";
import { readLog } from "../../bootstrap/commands/log.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { RekindleError } from "../../bootstrap/errors.ts";
import type { BootReport } from "../../bootstrap/history/log.ts";
import { encodeJson } from "../../bootstrap/json.ts";
import type { HistoryRecord } from "../../bootstrap/release/history.ts";
import { primary, recovery } from "../builders.ts";
import { aCommit } from "../commit.ts";
import { MemoryStore } from "../fakes/memory-store.ts";

function aRecord(changes: Partial<HistoryRecord> = {}): HistoryRecord {
  return {
    version: 1,
    at: "2026-11-24T10:00:00.000Z",
    kind: "publish",
    release: "first",
    commit: "a".repeat(40),
    ...aCommit,
    publisher: "arn:publisher",
    previous: null,
    reason: null,
    ...changes,
  };
}

function aReport(changes: Partial<BootReport> = {}): BootReport {
  return {
    version: 1,
    environment: "shop",
    role: "db",
    server: "db-0",
    instance: "i-1",
    region: primary,
    release: "first",
    pinned: "first",
    previous: null,
    outcome: "healthy",
    message: "",
    startedAt: "2026-11-24T10:01:00Z",
    finishedAt: "2026-11-24T10:02:00Z",
    steps: [],
    ...changes,
  };
}

/** Two regions, both with these records; the reports go where they say. */
async function regions(records: readonly HistoryRecord[], reports: readonly BootReport[] = []) {
  const stores = [new MemoryStore(recovery, "r-bucket"), new MemoryStore(primary, "p-bucket")] as const;
  const catalogs = stores.map((store) => new Catalog(store));
  for (const record of records) for (const catalog of catalogs) await catalog.writeHistory(record);
  for (const report of reports) {
    const key = `reports/${report.role}/${report.server}-${report.instance}.json`;
    const store = stores.find(({ region }) => region === report.region)!;
    await store.swap(key, Buffer.from(encodeJson(report)), undefined);
  }
  return { stores, catalogs };
}

const where = ({ entries }: Awaited<ReturnType<typeof readLog>>) =>
  Object.fromEntries(
    entries.map(({ release, servers }) => [
      release,
      servers.map(({ server, instance, region, outcome }) => `${server} ${instance} ${region} ${outcome}`),
    ]),
  );

describe("the log", () => {
  it("tells each move once, the newest first", async () => {
    const records = [
      aRecord(),
      aRecord({ at: "2026-11-24T12:00:00.000Z", kind: "rollback", previous: "second", reason: "it is slow" }),
      aRecord({ at: "2026-11-24T11:00:00.000Z", release: "second", previous: "first" }),
    ];
    const { entries, unreachable } = await readLog((await regions(records)).catalogs);
    expect(entries.map(({ kind, release }) => `${kind} ${release}`)).toEqual([
      "rollback first",
      "publish second",
      "publish first",
    ]);
    expect(entries[0]).toEqual({ ...records[1], servers: [] });
    expect(unreachable).toEqual([]);
  });

  it("is empty where nothing was published", async () => {
    expect(await readLog((await regions([])).catalogs)).toEqual({ version: 1, entries: [], unreachable: [] });
  });

  it("finds a record that only one region has", async () => {
    const { catalogs } = await regions([]);
    await catalogs[1]!.writeHistory(aRecord());
    expect((await readLog(catalogs)).entries).toHaveLength(1);
  });

  it("says where each release runs, by each server's latest report, in both regions", async () => {
    const second = aRecord({ at: "2026-11-24T11:00:00.000Z", release: "second", previous: "first" });
    const reports = [
      aReport(),
      aReport({ instance: "i-2", release: "second", finishedAt: "2026-11-24T11:02:00Z" }),
      aReport({ region: recovery, instance: "i-3", release: "second", outcome: "rolled-back" }),
    ];
    expect(where(await readLog((await regions([aRecord(), second], reports)).catalogs))).toEqual({
      first: [],
      second: [`db-0 i-3 ${recovery} rolled-back`, `db-0 i-2 ${primary} healthy`],
    });
  });

  it("counts every instance of a fleet, and a replicated report once", async () => {
    const fleet = { role: "web", server: "web" };
    const { catalogs, stores } = await regions(
      [aRecord()],
      [aReport(fleet), aReport({ ...fleet, instance: "i-2", outcome: "failed" })],
    );
    const [key] = await stores[1].list("reports/");
    await stores[0].swap(key!, (await stores[1].get(key!))!.body, undefined);
    expect(where(await readLog(catalogs))).toEqual({
      first: [`web i-1 ${primary} healthy`, `web i-2 ${primary} failed`],
    });
  });

  it("answers without a lost region, and names it", async () => {
    const { catalogs, stores } = await regions([aRecord()]);
    stores[1].list = async () => {
      throw new RekindleError("unreachable", "no answer");
    };
    expect(await readLog(catalogs)).toMatchObject({
      entries: [{ release: "first" }],
      unreachable: [primary],
    });
    stores[0].list = stores[1].list;
    await expect(readLog(catalogs)).rejects.toThrow("no answer");
  });
});
