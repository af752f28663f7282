import { tmpdir } from "node:os";
import { beforeAll, describe, expect, it } from "vitest";
import { takeDump, takeDumps } from "../../bootstrap/commands/dump.ts";
import { lookAtRestore } from "../../bootstrap/commands/restore-dump.ts";
import { verifyDump } from "../../bootstrap/commands/verify-dump.ts";
import type { Connection } from "../../bootstrap/dump/connection.ts";
import type { Dump } from "../../bootstrap/dump/dump.ts";
import { scratchServer } from "../../bootstrap/edges/databases/scratch.ts";
import { targetOf } from "../../bootstrap/entry/databases.ts";
import { primary, recovery } from "../builders.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { afterwards, dumpField, lacking, seen } from "./dumping.ts";
import { psql, writePostgres } from "./writing.ts";

const sandbox = runningSandbox();
const after = afterwards();
const never = new AbortController().signal;

async function server(): Promise<Connection> {
  const { connection, remove } = await scratchServer("postgres", tmpdir(), never);
  after(remove);
  return connection;
}

/** A shop with an owner, rows that know their transaction, a heavy table, a view, a trigger and settings of its own. */
async function shop(connection: Connection): Promise<void> {
  await psql(
    connection,
    "postgres",
    `CREATE ROLE "shop keeper" LOGIN PASSWORD 'hush'; CREATE ROLE reader;
CREATE DATABASE shop OWNER "shop keeper"; ALTER DATABASE shop SET work_mem TO '7MB'; REVOKE CONNECT ON DATABASE shop FROM PUBLIC;`,
  );
  await psql(
    connection,
    "shop",
    `CREATE TABLE orders (id bigserial PRIMARY KEY, txid xid8 NOT NULL DEFAULT pg_current_xact_id(), body text NOT NULL DEFAULT md5(random()::text));
CREATE SCHEMA "Odd $chema"; CREATE TABLE "Odd $chema"."T'""able" (a int); INSERT INTO "Odd $chema"."T'""able" SELECT generate_series(1, 1000);
CREATE TABLE parted (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10); INSERT INTO parted SELECT 1, 'x' FROM generate_series(1, 50);
CREATE TABLE empty (); CREATE VIEW totals AS SELECT count(*) FROM orders;
CREATE TABLE weights (id int PRIMARY KEY, content bytea); ALTER TABLE weights ALTER content SET STORAGE EXTERNAL;
GRANT SELECT ON orders TO reader; SELECT lo_from_bytea(0, 'a large object');`,
  );
}

/** Rows that no compression makes smaller. */
function fill(connection: Connection, mebibytes: number): Promise<string> {
  return psql(
    connection,
    "shop",
    `INSERT INTO weights SELECT i, (SELECT string_agg(uuid_send(gen_random_uuid()), '') FROM generate_series(1, 4096) WHERE i > 0) FROM generate_series(1, ${mebibytes * 16}) i;`,
  );
}

const insert = "INSERT INTO orders DEFAULT VALUES;\n";
const sum =
  "SELECT count(*) || ' ' || max(id) || ' ' || md5(string_agg(id || body, ',' ORDER BY id)) FROM orders";

/** What a dump's position says of the rows that it holds. */
function visibleAt(dump: Dump): string {
  const { position } = dump.databases.find(({ name }) => name === "shop")!.observed;
  const [, snapshot] = /^[0-9A-F]+\/[0-9A-F]+, snapshot (\d+:\d+:[\d,]*)$/.exec(position!)!;
  return `${sum} WHERE pg_visible_in_snapshot(txid, '${snapshot}')`;
}

describe.skipIf(lacking("postgres") !== undefined)("a PostgreSQL that is written while it is dumped", () => {
  it.each([
    "custom",
    "directory",
  ] as const)("comes back in a fresh server as it was at the recorded position, from a %s dump", async (format) => {
    const field = await dumpField(sandbox());
    const source = await server();
    await shop(source);
    await fill(source, 4);
    after(writePostgres(source, "shop", insert));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const dump = await takeDump(field.context, field.wanted(source, { format }));

    expect(dump).toMatchObject({
      status: "complete",
      faults: [],
      serverVersion: expect.stringMatching(/^\d+\.\d+/),
    });
    expect(dump.parts.map(({ stage }) => stage).sort()).toEqual(
      format === "custom" ? ["globals", "whole"] : ["data", "data", "data", "globals", "indexes", "schema"],
    );
    for (const { versions, sha256, bytes } of dump.parts) {
      expect(Object.keys(versions).sort()).toEqual([recovery, primary].sort());
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(bytes).toBeGreaterThan(0);
    }
    for (const { catalog } of field.places) expect(await catalog.dump(dump.id)).toEqual(dump);

    const target = await server();
    const { kept, rows } = await field.restore(dump, target);
    expect(kept).toEqual([]);
    const restored = await psql(target, "shop", sum);
    expect(restored).toBe(await psql(source, "shop", visibleAt(dump)));
    const [count, newest] = restored.split(" ").map(Number);
    expect(dump.databases[0]!.rows["public.orders"]).toBe(count);
    // The tables', and one large object.
    expect(rows).toBe(count! + 1000 + 50 + 64 + 1);
    // The writers went on: the dump is of a moment, and not of the end.
    expect(Number(await psql(source, "shop", "SELECT max(id) FROM orders"))).toBeGreaterThan(newest!);
    expect(await psql(target, "shop", "SELECT md5(string_agg(content, '' ORDER BY id)) FROM weights")).toBe(
      await psql(source, "shop", "SELECT md5(string_agg(content, '' ORDER BY id)) FROM weights"),
    );
    expect(
      await psql(
        target,
        "shop",
        "SHOW work_mem; SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'; SELECT has_table_privilege('reader', 'orders', 'SELECT'), has_database_privilege('reader', 'shop', 'CONNECT'), count(*) FROM pg_largeobject_metadata",
      ),
    ).toBe("7MB\nshop keeper\nt|f|1");
    expect(Number(await psql(target, "shop", "SELECT nextval('orders_id_seq')"))).toBeGreaterThan(newest!);
  });

  it("tells tables apart whose names have dots, counts large objects, and passes over what an interrupted DROP has left", async () => {
    const field = await dumpField(sandbox());
    const source = await server();
    await psql(
      source,
      "postgres",
      "CREATE DATABASE odd; CREATE DATABASE leftover; UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'leftover'",
    );
    await psql(
      source,
      "odd",
      `CREATE SCHEMA "a.b"; CREATE SCHEMA a; CREATE TABLE "a.b".c AS SELECT generate_series(1, 2);
CREATE TABLE a."b.c" AS SELECT generate_series(1, 5); SELECT lo_from_bytea(0, 'x'), lo_from_bytea(0, 'y');`,
    );
    const dump = await takeDump(field.context, field.wanted(source, { format: "directory" }));
    const counted = { '"a.b".c': 2, 'a."b.c"': 5, "large objects": 2 };
    expect(dump.databases.map(({ name, rows }) => [name, rows])).toEqual([["odd", counted]]);
    expect(await field.restore(dump, await server())).toMatchObject({ rows: 9 });
  });

  it("is restored beside data only when that was said, and what was there is kept", async () => {
    const field = await dumpField(sandbox());
    const source = await server();
    await shop(source);
    await psql(
      source,
      "shop",
      "INSERT INTO orders SELECT FROM generate_series(1, 10)".replace(
        "SELECT FROM",
        "(body) SELECT 'x' FROM",
      ),
    );
    const dump = await takeDump(field.context, field.wanted(source));
    await psql(source, "shop", "INSERT INTO orders (body) VALUES ('newer than the dump')");

    const refusal = await field.restore(dump, source).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      kind: "refused",
      details: [expect.stringContaining("database shop with")],
    });
    expect(await psql(source, "shop", "SELECT count(*) FROM orders")).toBe("11");

    const target = targetOf(source, { ...field.options, withoutOwners: false });
    const plan = await lookAtRestore({ dump, target, replace: true, withoutGlobals: false });
    expect(plan.databases).toMatchObject([{ name: "shop", present: "replaced" }]);
    expect(await psql(source, "shop", "SELECT count(*) FROM orders")).toBe("11");

    const { kept } = await field.restore(dump, source, { replace: true });
    expect(await psql(source, "shop", "SELECT count(*) FROM orders")).toBe("10");
    expect(kept).toEqual([{ database: "shop", keptAs: expect.stringMatching(/^shop_before_\d{14}$/) }]);
    expect(await psql(source, kept[0]!.keptAs, "SELECT count(*) FROM orders")).toBe("11");
  });

  it("is verified in a server of its own, which is gone afterwards; a damaged dump is not", async () => {
    const field = await dumpField(sandbox());
    const source = await server();
    await shop(source);
    const dump = await takeDump(field.context, field.wanted(source));
    let folder = "";
    const verify = (one: Dump) =>
      verifyDump({
        dump: one,
        streams: field.places[0].streams,
        startScratch: async () => {
          const scratch = await scratchServer("postgres", tmpdir(), never);
          folder = scratch.connection.host!;
          return scratch;
        },
        connect: ({ connection }) => targetOf(connection, { ...field.options, withoutOwners: false }),
        jobs: 2,
        print: field.context.print,
      });
    expect(await verify(dump)).toMatchObject({ rows: 1051 });
    await expect(psql({ ...source, host: folder }, "postgres", "SELECT 1")).rejects.toThrow(/No such file/);

    const [globals, whole] = dump.parts as [Dump["parts"][0], Dump["parts"][0]];
    const tampered = { ...dump, parts: [globals, { ...whole, sha256: "1".repeat(64) }] };
    await expect(verify(tampered)).rejects.toMatchObject({
      kind: "failed-check",
      message: expect.stringContaining("someone has replaced it"),
      details: [expect.stringContaining("what was restored so far is removed")],
    });
    const [database] = dump.databases;
    const fewer = { ...dump, databases: [{ ...database!, rows: { ...database!.rows, "public.orders": 7 } }] };
    await expect(verify(fewer)).rejects.toMatchObject({
      details: expect.arrayContaining(["shop: table public.orders: 7 rows in the dump, 0 rows restored"]),
    });
  });
});

describe.skipIf(lacking("postgres") !== undefined)("a dump that fails", () => {
  let source: Connection;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ connection: source, remove } = await scratchServer("postgres", tmpdir(), never));
    await shop(source);
    await fill(source, 64);
    return () => remove();
  });

  /** It is failed, nothing of it is left, and the next one is complete. */
  async function demandClean(field: Awaited<ReturnType<typeof dumpField>>, why: RegExp, from = source) {
    expect(await field.openUploads()).toEqual([]);
    expect(await field.objects()).toEqual([]);
    for (const { catalog } of field.places)
      expect(await catalog.dumps()).toMatchObject([
        { status: "failed", parts: [], faults: expect.arrayContaining([expect.stringMatching(why)]) },
      ]);
    await sandbox().clearFaults();
    expect(await takeDump(field.context, field.wanted(from))).toMatchObject({ status: "complete" });
  }

  it("because the bucket takes no more", async () => {
    const field = await dumpField(sandbox());
    const failing = takeDump(field.context, field.wanted(source)).catch((error: unknown) => error);
    await seen(sandbox(), "UploadPart", 3);
    await sandbox().addFault({ service: "s3", action: "UploadPart", kind: "500" });
    expect(await failing).toMatchObject({
      message: expect.stringMatching(/^dump of main failed.* part \d of s3:.* could not be sent/),
    });
    await demandClean(field, /could not be sent/);
  });

  it("because the database went away in the middle of it", async () => {
    const field = await dumpField(sandbox());
    await sandbox().addFault({ service: "s3", action: "UploadPart", kind: "latency", latencyMs: 500 });
    const [failing] = [takeDumps(field.context, [field.wanted(source)])];
    await seen(sandbox(), "UploadPart", 2);
    await remove();
    const [outcome] = await failing;
    expect(outcome).toMatchObject({
      kind: "failed",
      error: {
        kind: "tool-failed",
        message: expect.stringMatching(
          /^dump of main failed.* (pg_dump|psql) of postgres at .*(server closed|terminat|shutting down)/,
        ),
      },
    });
    ({ connection: source, remove } = await scratchServer("postgres", tmpdir(), never));
    await shop(source);
    await demandClean(field, /server closed|terminat|shutting down/);
  });
});
