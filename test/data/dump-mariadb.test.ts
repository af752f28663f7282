import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { takeDump } from "../../bootstrap/commands/dump.ts";
import type { Connection } from "../../bootstrap/dump/connection.ts";
import { scratchServer } from "../../bootstrap/edges/databases/scratch.ts";
import { run } from "../../bootstrap/edges/process.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { afterwards, dumpField, lacking, seen } from "./dumping.ts";
import { mariadb, writeMariadb } from "./writing.ts";

const sandbox = runningSandbox();
const after = afterwards();
const never = new AbortController().signal;

async function server(...settings: string[]): Promise<Connection & { remove(): Promise<void> }> {
  const { connection, remove } = await scratchServer("mariadb", tmpdir(), never, settings);
  after(remove);
  return { ...connection, remove };
}

/** Two databases; a procedure that commits rows without end, a trigger that says INSERT, and a table without rows. */
async function shop(connection: Connection, tables = ""): Promise<void> {
  await mariadb(
    connection,
    `CREATE DATABASE shop; CREATE DATABASE \`other-one\`; USE shop;
CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, body VARCHAR(200) NOT NULL) ENGINE=InnoDB;
CREATE TABLE log (id BIGINT, at TIMESTAMP) ENGINE=InnoDB; CREATE TABLE empty (a INT) ENGINE=InnoDB;
CREATE TABLE weights (id INT PRIMARY KEY, content LONGBLOB) ENGINE=InnoDB;
INSERT INTO weights VALUES (1, '\\0\\'quoted\\'\\r\\n(2);\\Z'), (2, RANDOM_BYTES(1000)); ${tables}
DELIMITER ;;
CREATE TRIGGER logged AFTER INSERT ON orders FOR EACH ROW BEGIN
INSERT INTO log VALUES (NEW.id, '2026-11-24 10:00:00');
END;;
CREATE PROCEDURE write_rows() BEGIN
  LOOP INSERT INTO orders (body) VALUES (CONCAT('it''s (', UUID(), ');')); END LOOP;
END;;
CREATE PROCEDURE fill(n INT) BEGIN
  DECLARE i INT DEFAULT 10;
  WHILE i < n DO INSERT INTO weights VALUES (i, CONCAT(RANDOM_BYTES(1024), REPEAT(RANDOM_BYTES(1000), 1))); SET i = i + 1; END WHILE;
END;;
DELIMITER ;
CREATE VIEW totals AS SELECT COUNT(*) FROM orders;
CREATE TABLE \`other-one\`.\`t(1)\` (a INT) ENGINE=InnoDB; INSERT INTO \`other-one\`.\`t(1)\` VALUES (1), (2);`,
  );
}

const sum =
  "SELECT COUNT(*), MAX(id), MD5(GROUP_CONCAT(id, body ORDER BY id SEPARATOR ',')) FROM shop.orders";
const large = "SET SESSION group_concat_max_len = 1000000000; ";

describe.skipIf(lacking("mariadb") !== undefined)("a MariaDB that is written while it is dumped", () => {
  it("comes back in a fresh server, and its newest row is the last one before the recorded position", async () => {
    const logs = await mkdtemp(join(tmpdir(), "rekindle-binlog-"));
    after(() => rm(logs, { recursive: true, force: true }));
    await chmod(logs, 0o777);
    const field = await dumpField(sandbox());
    const source = await server(`--log-bin=${logs}/binlog`, "--server-id=1", "--binlog-format=ROW");
    await shop(source);
    after(writeMariadb(source, "CALL shop.write_rows();"));
    await expect
      .poll(async () => Number(await mariadb(source, "SELECT COUNT(*) FROM shop.orders")), {
        timeout: 20_000,
      })
      .toBeGreaterThan(100);
    const dump = await takeDump(field.context, field.wanted(source));
    expect(dump).toMatchObject({ status: "complete", engine: "mariadb", faults: [] });
    expect(dump.databases.map(({ name }) => name)).toEqual(["other-one", "shop"]);
    const { observed, rows } = dump.databases[1]!;
    expect(observed).toMatchObject({
      label: "application",
      position: expect.stringMatching(/^binlog\.\d+:\d+$/),
    });

    const target = await server();
    await field.restore(dump, target);
    const restored = await mariadb(target, large + sum);
    const [count, newest] = restored.split("\t").map(Number);
    expect(rows).toEqual({ orders: count, log: count, empty: 0, weights: 2 });
    expect(await mariadb(source, `${large}${sum} WHERE id <= ${newest}`)).toBe(restored);
    expect(Number(await mariadb(source, "SELECT MAX(id) FROM shop.orders"))).toBeGreaterThan(newest!);
    for (const query of [
      "SELECT MD5(GROUP_CONCAT(content ORDER BY id)) FROM shop.weights",
      "SELECT COUNT(*) FROM `other-one`.`t(1)`",
    ])
      expect(await mariadb(target, query)).toBe(await mariadb(source, query));
    expect(
      await mariadb(
        target,
        "SELECT TRIGGER_NAME FROM information_schema.triggers; SELECT ROUTINE_NAME FROM information_schema.routines WHERE routine_schema = 'shop'; SHOW DATABASES LIKE 'rekindle%'",
      ),
    ).toBe("logged\nfill\nwrite_rows");

    // The binary log itself says which row was the last one before that position.
    const [file, offset] = observed.position!.split(":") as [string, string];
    const script = `mariadb-binlog --base64-output=DECODE-ROWS -v --stop-position=${offset} ${logs}/binlog.0* | sed -n '/INSERT INTO \`shop\`.\`orders\`/,/@2/s/^###   @1=//p' | tail -n 1`;
    expect(file).toMatch(/^binlog\.0/);
    expect(Number((await run("sh", ["-c", script])).stdout)).toBe(newest);
  });

  it("is dumped by the whole names of its databases, whatever they begin with", async () => {
    const field = await dumpField(sandbox());
    const source = await server();
    await mariadb(
      source,
      `CREATE DATABASE \`-all\`; CREATE TABLE \`-all\`.t (a INT) ENGINE=InnoDB; INSERT INTO \`-all\`.t VALUES (1);
CREATE DATABASE a; CREATE TABLE a.t (a INT) ENGINE=InnoDB; CREATE DATABASE \`a.b\`; CREATE TABLE \`a.b\`.t (a INT) ENGINE=MyISAM;`,
    );
    const dump = await takeDump(field.context, field.wanted(source));
    expect(dump.databases.map(({ name, observed, rows }) => [name, observed.label, rows])).toEqual([
      ["-all", "application", { t: 1 }],
      ["a", "application", { t: 0 }],
      ["a.b", "crash", { t: 0 }],
    ]);
    expect(await field.restore(dump, await server())).toMatchObject({ tables: 3, rows: 1 });
  });

  it("is dumped first where it is to be replaced, and one database of it comes back by itself", async () => {
    const field = await dumpField(sandbox());
    const source = await server();
    await shop(source, "CREATE TABLE old (a INT) ENGINE=MyISAM;");
    const dump = await takeDump(field.context, field.wanted(source));
    expect(dump.databases[1]!.observed).toMatchObject({ label: "crash" });
    expect(dump.databases[1]!.observed.reasons).toEqual([
      "shop.old: an engine without transactions, read while written",
      "no position: the server keeps no binary log",
    ]);
    expect(dump.databases[0]!.observed.label).toBe("application");

    await mariadb(
      source,
      "INSERT INTO `other-one`.`t(1)` VALUES (3); INSERT INTO shop.orders (body) VALUES ('newer')",
    );
    await expect(field.restore(dump, source, { only: ["other-one"] })).rejects.toMatchObject({
      kind: "refused",
    });
    const { kept } = await field.restore(dump, source, {
      only: ["other-one"],
      replace: true,
      keep: async (databases) => (await takeDump(field.context, field.wanted(source, { databases }))).id,
    });
    expect(
      await mariadb(source, "SELECT COUNT(*) FROM `other-one`.`t(1)`; SELECT COUNT(*) FROM shop.orders"),
    ).toBe("2\n1");
    const before = await field.places[0].catalog.dump(kept[0]!.keptAs);
    expect(before).toMatchObject({
      status: "complete",
      databases: [{ name: "other-one", rows: { "t(1)": 3 } }],
    });
  });

  it("leaves nothing of a restore that failed, or was killed, and the next one succeeds", async () => {
    const field = await dumpField(sandbox());
    const source = await server();
    await shop(source);
    const dump = await takeDump(field.context, field.wanted(source));
    const target = await server();
    const [part] = dump.parts;
    const tampered = { ...dump, parts: [{ ...part!, sha256: "1".repeat(64) }] };
    await expect(field.restore(tampered, target)).rejects.toMatchObject({ kind: "failed-check" });
    expect(
      await mariadb(target, "SHOW DATABASES LIKE '%o%e%'; SHOW DATABASES LIKE 'rekindle%'"),
    ).not.toContain("other-one");
    // As one that was killed leaves it.
    await mariadb(
      target,
      "CREATE DATABASE rekindle_restoring; CREATE TABLE rekindle_restoring.names (name VARCHAR(64)); INSERT INTO rekindle_restoring.names VALUES ('shop'); CREATE DATABASE shop; CREATE TABLE shop.half (a INT)",
    );
    await field.restore(dump, target);
    expect(await mariadb(target, "SHOW TABLES FROM shop LIKE 'half'; SHOW DATABASES LIKE 'rekindle%'")).toBe(
      "",
    );
  });

  it("and goes away in the middle of it, leaves no complete dump and no upload", async () => {
    const field = await dumpField(sandbox());
    const source = await server();
    await shop(source);
    await mariadb(source, "START TRANSACTION; CALL shop.fill(40000); COMMIT");
    await sandbox().addFault({ service: "s3", action: "UploadPart", kind: "latency", latencyMs: 500 });
    const failing = takeDump(field.context, field.wanted(source)).catch((error: unknown) => error);
    await seen(sandbox(), "UploadPart", 1);
    await source.remove();
    expect(await failing).toMatchObject({
      kind: "tool-failed",
      message: expect.stringMatching(/Lost connection|server has gone away|Can't connect/),
    });
    expect(await field.openUploads()).toEqual([]);
    expect(await field.objects()).toEqual([]);
    expect(await field.places[0].catalog.dumps()).toMatchObject([{ status: "failed", parts: [] }]);
  });
});
