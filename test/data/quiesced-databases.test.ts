import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Freeze, quiesceSchema } from "../../bootstrap/config/quiesce-schema.ts";
import { shellBy } from "../../bootstrap/edges/hosts/host-shell.ts";
import { quiescer } from "../../bootstrap/edges/hosts/quiescer.ts";
import { observeHold } from "../../bootstrap/recovery/observe.ts";
import type { Observation } from "../../bootstrap/recovery/point.ts";
import { aLoopVolume, isWritable, type LoopVolume, lackingForLoops, mountCopy, sh } from "./loop-volume.ts";

const postgresFolder = "/usr/lib/postgresql/15/bin";
const lacking = lackingForLoops("runuser");
const withoutPostgres = lacking ?? (existsSync(postgresFolder) ? undefined : "there is no PostgreSQL 15");
const withoutMariadb = lackingForLoops(
  "runuser",
  "mariadbd",
  "mariadb",
  "mariadb-install-db",
  "mariadb-binlog",
);

let folder: string;
let data: LoopVolume;
let ends: (() => void)[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rekindle-quiesced-"));
  sh(`chmod 755 ${folder}`);
  process.env.REKINDLE_RUN = await mkdtemp("/run/rekindle-test-");
  ends = [];
});
afterEach(async () => {
  for (const end of ends.reverse()) end();
  await rm(process.env.REKINDLE_RUN!, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  delete process.env.REKINDLE_RUN;
});

/** Holds the database quiet, copies its volume at that instant as a snapshot does, and lets it go on. */
async function snapshot(
  quiesce: Record<string, unknown>,
  copy: string,
  primary?: string,
): Promise<Observation> {
  const hold = {
    id: "hold",
    quiesce: quiesceSchema.parse(quiesce) as Freeze,
    ...(primary && { primary }),
    mount: data.mount,
    volumes: [{ name: "data-0", device: data.device, volumeId: "none" }],
  };
  const { signal } = new AbortController();
  const { freeze, thaw } = quiescer((timeoutMs) => shellBy("sh", ["-s"], { timeoutMs, signal }), hold);
  const frozen = await freeze();
  if (frozen.failed !== undefined) throw new Error(frozen.failed);
  expect(await isWritable(data.mount)).toBe(false);
  sh(`cp --sparse=always ${data.image} ${copy}`);
  return observeHold(hold.quiesce, frozen, { kind: "told", told: await thaw() });
}

/** The part of a server's boot that sees to whose data its volumes hold. */
function bootFrom(mount: string, filesystem: string, server: string): void {
  sh(
    `export REKINDLE_BOOT_SOURCED=1 REKINDLE_SERVER=${server}; . ${resolve("cloud-init/boot")}; storage='single ${filesystem} ${mount}' work=; become_primary`,
  );
}

const load = (script: string, user: string) => {
  const writer: ChildProcess = spawn("runuser", ["-u", user, "--", "sh", "-c", script], {
    cwd: "/",
    stdio: "ignore",
    detached: true,
  });
  ends.push(() => {
    try {
      process.kill(-writer.pid!, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  });
};

describe.skipIf(withoutPostgres !== undefined)("a PostgreSQL under write load", () => {
  const start = (mount: string, port: number) => {
    const options = `-k ${folder}/run -p ${port} -c listen_addresses= -c log_checkpoints=on`;
    sh(`${postgresFolder}/pg_ctl -D ${mount}/db -l ${folder}/run/log-${port} -w -o '${options}' start`, {
      user: "postgres",
    });
    ends.push(() =>
      sh(`${postgresFolder}/pg_ctl -D ${mount}/db -m immediate stop || true`, { user: "postgres" }),
    );
  };
  const sql = (query: string, port = 6001) =>
    sh(`psql -XAtq -h ${folder}/run -p ${port} -d postgres`, { user: "postgres", input: query }).trim();

  test.each([
    "checkpoint",
    "backup",
  ] as const)("in mode %s brings back every commit up to the position that was told, and none from after it", async (mode) => {
    data = await aLoopVolume(folder, "data", "xfs");
    ends.push(data.remove);
    sh(`chown postgres ${data.mount}; install -d -o postgres ${folder}/run`);
    sh(`${postgresFolder}/initdb -D ${data.mount}/db >/dev/null`, { user: "postgres" });
    start(data.mount, 6001);
    sql("CREATE TABLE orders (id bigserial PRIMARY KEY, filler text)");
    // Where the log was after each commit is noted outside of what is frozen.
    await writeFile(
      `${folder}/run/insert.sql`,
      "INSERT INTO orders (filler) VALUES (repeat('x', 900)) RETURNING id \\gset\nSELECT :id, pg_current_wal_insert_lsn();\n",
    );
    const client = `psql -XAtq -h ${folder}/run -p 6001 -d postgres`;
    load(`while :; do cat ${folder}/run/insert.sql; done | ${client} >>${folder}/run/commits`, "postgres");
    await sleep(2_000);
    const quiesce = { kind: "postgres", mode, host: `${folder}/run`, port: 6001 };
    const seen = await snapshot(quiesce, `${folder}/copy.img`);
    expect(seen).toMatchObject({ label: "application", reasons: [] });
    expect(seen.position).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    await sleep(500);

    const copy = await mountCopy(`${folder}/copy.img`, join(folder, "copy"), "nouuid");
    ends.push(copy.remove);
    sh(`rm -f ${copy.mount}/db/postmaster.pid`);
    start(copy.mount, 6002);
    const log = await readFile(`${folder}/run/log-6002`, "utf8");
    // Its own log, from the checkpoint that the freeze waited for.
    expect(log).toMatch(/redo starts at|database system was not properly shut down/);
    expect(log).not.toMatch(/PANIC|invalid page|could not/);
    const came = Number(sql("SELECT max(id) FROM orders", 6002));
    expect(Number(sql("SELECT count(*) FROM orders", 6002))).toBe(came);
    const commits = (await readFile(`${folder}/run/commits`, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => line.split("|"))
      .filter(([id, lsn]) => id !== "" && lsn !== undefined && lsn !== "");
    const position = wal(seen.position!);
    const before = commits.filter(([, lsn]) => wal(lsn!) <= position).map(([id]) => Number(id));
    expect(before.length).toBeGreaterThan(10);
    expect(came).toBeGreaterThanOrEqual(before.at(-1)!);
    // The one that was under way had reached the disk, or had not.
    expect(came).toBeLessThanOrEqual(before.at(-1)! + 1);
    expect(Number(sql("SELECT max(id) FROM orders"))).toBeGreaterThan(came);
  });

  test("is snapshotted from its read replica, whose position says how far that had come", async () => {
    const primary = `${folder}/primary`;
    sh(`install -d -o postgres ${folder}/run ${primary}`);
    sh(`${postgresFolder}/initdb -D ${primary}/db >/dev/null`, { user: "postgres" });
    start(primary, 6001);
    sql("CREATE TABLE orders (id bigserial PRIMARY KEY)");
    data = await aLoopVolume(folder, "data", "xfs");
    ends.push(data.remove);
    sh(`chown postgres ${data.mount}`);
    sh(`pg_basebackup -h ${folder}/run -p 6001 -D ${data.mount}/db -R -c fast -X stream`, {
      user: "postgres",
    });
    start(data.mount, 6003);
    sql("INSERT INTO orders SELECT FROM generate_series(1, 1000)");
    const position = sql("SELECT pg_current_wal_flush_lsn()");
    sh(
      `for i in $(seq 100); do [ "$(psql -XAtq -h ${folder}/run -p 6003 -d postgres -c 'SELECT count(*) FROM orders')" = 1000 ] && exit; sleep 0.1; done; exit 1`,
      { user: "postgres" },
    );
    const replica = { kind: "postgres", host: `${folder}/run`, port: 6003, replica: "db-1" };
    const seen = await snapshot(replica, `${folder}/copy.img`, "db-0");
    expect(seen).toMatchObject({ label: "application", reasons: [] });
    expect(seen.notes).toEqual([
      "the copy becomes the primary where db-0 boots from it",
      expect.stringMatching(/^last commit replayed: \d{4}-\S+Z; it is connected to its primary$/),
    ]);
    expect(wal(seen.position!)).toBeGreaterThanOrEqual(wal(position));
    sh(`${postgresFolder}/pg_ctl -D ${primary}/db -m immediate stop`, { user: "postgres" });
    await sleep(1_000);
    expect((await snapshot(replica, `${folder}/alone.img`)).notes).toEqual([
      expect.stringMatching(/it is NOT connected to its primary$/),
    ]);
    // What is copied of the replica by anybody else stays a replica.
    expect(existsSync(`${data.mount}/.rekindle-primary`)).toBe(false);

    const copy = await mountCopy(`${folder}/copy.img`, join(folder, "copy"), "nouuid");
    ends.push(copy.remove);
    bootFrom(copy.mount, "xfs", "db-1");
    expect(existsSync(`${copy.mount}/db/standby.signal`)).toBe(true);
    for (const _again of [1, 2]) bootFrom(copy.mount, "xfs", "db-0");
    sh(`rm -f ${copy.mount}/db/postmaster.pid`);
    start(copy.mount, 6004);
    expect(sql("SELECT pg_is_in_recovery(), count(*) FROM orders", 6004)).toBe("f|1000");
    sql("INSERT INTO orders SELECT FROM generate_series(1, 10)", 6004);
    expect(sql("SELECT count(*) FROM orders", 6004)).toBe("1010");
    expect(existsSync(`${copy.mount}/.rekindle-primary`)).toBe(false);
  });

  test("that is no read replica is not taken for one", async () => {
    data = await aLoopVolume(folder, "data", "ext4");
    ends.push(data.remove);
    sh(`chown postgres ${data.mount}; install -d -o postgres ${folder}/run`);
    sh(`${postgresFolder}/initdb -D ${data.mount}/db >/dev/null`, { user: "postgres" });
    start(data.mount, 6001);
    const replica = { kind: "postgres", host: `${folder}/run`, port: 6001, replica: "db-1" };
    await expect(snapshot(replica, `${folder}/copy.img`)).rejects.toThrow("it is no read replica");
    expect(await isWritable(data.mount)).toBe(true);
  });

  test("that does not answer is not frozen, and the reason is its own", async () => {
    data = await aLoopVolume(folder, "data", "ext4");
    ends.push(data.remove);
    const quiesce = { kind: "postgres", host: `${folder}/run`, port: 6001 };
    await expect(snapshot(quiesce, `${folder}/copy.img`)).rejects.toThrow(/connection to server on socket/);
    expect(await isWritable(data.mount)).toBe(true);
  });
});

describe.skipIf(withoutMariadb !== undefined)("a MariaDB under write load", () => {
  const install = (mount: string) =>
    sh(
      `chown mysql ${mount}; mariadb-install-db --no-defaults --user=mysql --datadir=${mount}/db --auth-root-authentication-method=socket --skip-test-db >/dev/null 2>&1`,
    );
  const start = async (mount: string, name: string, network = "--skip-networking --server-id=1") => {
    const socket = `${folder}/run/${name}`;
    const options = `--no-defaults --datadir=${mount}/db --socket=${socket} ${network} --log-bin=${mount}/db/binlog --innodb-log-file-size=16M --innodb-buffer-pool-size=32M --pid-file=${socket}.pid --log-error=${socket}.log`;
    const server = spawn("runuser", ["-u", "mysql", "--", "mariadbd", ...options.split(" ")], {
      cwd: "/",
      stdio: "ignore",
    });
    ends.push(() => {
      server.kill("SIGKILL");
      sh(`kill -9 $(cat ${socket}.pid); sleep 0.3; true`);
    });
    await writeFile(`${folder}/run/${name}.cnf`, `[client]\nsocket=${socket}\n`);
    sh(
      `for i in $(seq 100); do mariadb --defaults-file=${folder}/run/${name}.cnf -e 'SELECT 1' >/dev/null 2>&1 && exit; sleep 0.2; done; tail -n 5 ${socket}.log >&2; exit 1`,
    );
  };
  const sql = (name: string, query: string) =>
    sh(`mariadb --defaults-file=${folder}/run/${name}.cnf -N -B`, { input: query }).trim();

  test("holds back commits, and what comes back is what its binary log had at the position that was told", async () => {
    data = await aLoopVolume(folder, "data", "ext4");
    ends.push(data.remove);
    sh(`install -d -o mysql ${folder}/run`);
    install(data.mount);
    await start(data.mount, "live");
    sql(
      "live",
      "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, filler TEXT);",
    );
    load(
      `while :; do echo "INSERT INTO shop.orders (filler) VALUES (REPEAT('x', 900));"; done | mariadb --defaults-file=${folder}/run/live.cnf`,
      "root",
    );
    await sleep(2_000);
    const seen = await snapshot(
      { kind: "mariadb", defaults: `${folder}/run/live.cnf` },
      `${folder}/copy.img`,
    );
    expect(seen).toMatchObject({ label: "application", reasons: [] });
    expect(seen.position).toMatch(/^binlog\.\d+:\d+$/);
    await sleep(500);

    const copy = await mountCopy(`${folder}/copy.img`, join(folder, "copy"), "defaults");
    ends.push(copy.remove);
    await start(copy.mount, "copy");
    const came = Number(sql("copy", "SELECT MAX(id) FROM shop.orders"));
    const [file, offset] = seen.position!.split(":");
    const written = sh(
      `mariadb-binlog --no-defaults --stop-position=${offset} ${data.mount}/db/${file} | grep -c '^INSERT INTO shop.orders'`,
    );
    expect(came).toBeGreaterThan(10);
    expect(came).toBe(Number(written));
    expect(Number(sql("copy", "SELECT COUNT(*) FROM shop.orders"))).toBe(came);
    expect(Number(sql("live", "SELECT MAX(id) FROM shop.orders"))).toBeGreaterThan(came);
  });

  test("is snapshotted from its read replica, and where the primary boots from the copy it follows nobody", async () => {
    const primary = `${folder}/primary`;
    sh(`install -d -o mysql ${folder}/run ${primary}`);
    install(primary);
    await start(primary, "primary", "--bind-address=127.0.0.1 --port=6103 --server-id=1");
    sql("primary", "CREATE USER copier@'%'; GRANT REPLICATION SLAVE ON *.* TO copier@'%';");
    data = await aLoopVolume(folder, "data", "ext4");
    ends.push(data.remove);
    install(data.mount);
    await start(data.mount, "replica", "--skip-networking --server-id=2");
    sql(
      "replica",
      "SET default_master_connection = 'main'; CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=6103, MASTER_USER='copier'; START SLAVE;",
    );
    sql(
      "primary",
      "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT); INSERT INTO shop.orders VALUES (1);",
    );
    sh(
      `for i in $(seq 100); do mariadb --defaults-file=${folder}/run/replica.cnf -e 'SELECT * FROM shop.orders' 2>/dev/null | grep -q 1 && exit; sleep 0.1; done; exit 1`,
    );
    const replica = { kind: "mariadb", defaults: `${folder}/run/replica.cnf`, replica: "db-1" };
    const seen = await snapshot(replica, `${folder}/copy.img`, "db-0");
    expect(seen).toMatchObject({ label: "application", reasons: [] });

    const copy = await mountCopy(`${folder}/copy.img`, join(folder, "copy"), "defaults");
    ends.push(copy.remove);
    bootFrom(copy.mount, "ext4", "db-1");
    expect(existsSync(`${copy.mount}/db/master-main.info`)).toBe(true);
    for (const _again of [1, 2]) bootFrom(copy.mount, "ext4", "db-0");
    await start(copy.mount, "copy", "--skip-networking --server-id=3");
    expect(sql("copy", "SHOW ALL SLAVES STATUS")).toBe("");
    sql("primary", "INSERT INTO shop.orders VALUES (2)");
    sql("copy", "INSERT INTO shop.orders VALUES (3)");
    expect(sql("copy", "SELECT id FROM shop.orders ORDER BY id")).toBe("1\n3");
  });
});

/** A WAL position as a number. */
function wal(position: string): bigint {
  const [high, low] = position.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
