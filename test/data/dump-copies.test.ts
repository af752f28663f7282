import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { copyNamedDump, copyNewestDumps } from "../../bootstrap/commands/copy-dumps.ts";
import { takeDump } from "../../bootstrap/commands/dump.ts";
import { type Dump, regionsOf } from "../../bootstrap/dump/dump.ts";
import { scratchServer } from "../../bootstrap/edges/databases/scratch.ts";
import { primary, recovery } from "../builders.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { afterwards, dumpField, lacking } from "./dumping.ts";
import { psql } from "./writing.ts";

const sandbox = runningSandbox();
const after = afterwards();
const further = "eu-north-1";
const vault = `210987654321/${recovery}`;
const everywhere = [recovery, primary, further, vault];

/** A server with a database, and an environment that has copies in another region and another account. */
async function open() {
  const { connection, remove } = await scratchServer("postgres", tmpdir(), new AbortController().signal);
  after(remove);
  await psql(connection, "postgres", "CREATE DATABASE shop");
  await psql(connection, "shop", "CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id");
  const copies = { regions: [further], account: { id: "210987654321", role: "rekindle-vault" }, atOnce: 5 };
  const field = await dumpField(sandbox(), { copies });
  return { ...field, connection, take: () => takeDump(field.context, field.wanted(connection)) };
}

describe.skipIf(lacking("postgres") !== undefined)("a dump of an environment with copies", () => {
  it("is in every region and in the vault, and comes back from each of them", async () => {
    const { places, take, restore, connection } = await open();
    const dump = await take();
    expect([regionsOf(dump), dump.faults]).toEqual([everywhere, []]);
    for (const { catalog } of places) expect(await catalog.dump(dump.id)).toEqual(dump);
    for (const { streams } of places) {
      await psql(connection, "postgres", "DROP DATABASE shop");
      const { tables, rows } = await restore(dump, connection, { streams });
      expect([tables, rows]).toEqual([1, 1000]);
    }
  }, 180_000);

  it("is a dump also where a region does not answer, and reaches that later", async () => {
    const { context, places, take } = await open();
    await sandbox().loseRegion(primary, "refused");
    const dump = await take();
    expect(dump.faults).toEqual([expect.stringContaining(`${primary} does not answer`)]);
    expect(regionsOf(dump)).toEqual([recovery, further, vault]);
    const asked = { places, print: context.print };
    expect((await copyNewestDumps(asked, ["main"]))[0]!.faults).toHaveLength(1);

    await sandbox().restoreRegion(primary);
    const [copied] = await copyNewestDumps(asked, ["main"]);
    expect([regionsOf(copied!).sort(), copied!.faults]).toEqual([[...everywhere].sort(), []]);
    for (const { catalog } of places) expect(await catalog.dump(dump.id)).toEqual(copied);
  }, 180_000);

  it("reaches the other places from the first one that answers", async () => {
    const { context, places, take } = await open();
    await sandbox().addFault({ service: "s3", action: "UploadPartCopy", region: further, kind: "500" });
    const dump = await take();
    expect(dump.faults).toEqual([
      expect.stringContaining(`globals.sql is not in ${further}`),
      expect.anything(),
    ]);
    await sandbox().clearFaults();
    await sandbox().loseRegion(recovery, "refused");
    const copied = await copyNamedDump({ places, print: context.print }, dump.id);
    expect(regionsOf(copied)).toContain(further);
    expect(copied.faults).toEqual([
      expect.stringContaining(`${recovery} does not answer`),
      expect.stringContaining(`${vault} does not answer`),
    ]);
  }, 180_000);

  it("stays removed when a prune has begun to remove it meanwhile", async () => {
    const { context, places, take } = await open();
    const dump: Dump = await take();
    const [{ catalog, streams }] = places;
    const removing = { ...dump, status: "failed" as const, faults: ["a prune has begun to remove it"] };
    const part = dump.parts[0]!;
    delete part.versions[further];
    await catalog.writeDump(dump);
    const copy = places[2]!.streams.copy.bind(places[2]!.streams);
    places[2]!.streams.copy = async (from) => {
      await catalog.writeDump(removing);
      return await copy(from);
    };
    await copyNamedDump({ places, print: context.print }, dump.id);
    expect(await catalog.dump(dump.id)).toEqual(removing);
    expect(streams.place).toBe(recovery);
    await expect(copyNamedDump({ places, print: context.print }, dump.id)).rejects.toThrow(
      "has no complete dump",
    );
  }, 180_000);
});
