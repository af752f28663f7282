import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Connection, describeConnection } from "../../dump/connection.ts";
import type { DumpedDatabase, Rows } from "../../dump/dump.ts";
import { SqlStream } from "../../dump/sql-stream.ts";
import { RekindleError } from "../../errors.ts";
import { askMaria, mariaIdentifier, mariaLiteral, mariaSession, startMaria } from "./mariadb-programs.ts";
import { type ClientOptions, outputOf } from "./place.ts";
import type { DumpSource, Taking } from "./taking.ts";

/** What a restore notes in the server while it is at it. */
export const markDatabase = "rekindle_restoring";

const systemDatabases = ["information_schema", "performance_schema", "mysql", "sys", markDatabase];

/** Databases of one MariaDB or MySQL, all read in one transaction, whose position the server tells. */
export function mariaSource(connection: Connection, options: ClientOptions): DumpSource {
  return {
    where: describeConnection(connection),
    version: async () =>
      (
        await askMaria<{ version: string }>(connection, options, "SELECT JSON_OBJECT('version', version());")
      )[0]!.version,
    databases: () => userDatabases(connection, options),
    together: (databases) => [[...databases]],
    take: (databases) => take(connection, databases, options),
    globals: undefined,
  };
}

async function take(
  connection: Connection,
  databases: readonly string[],
  options: ClientOptions,
): Promise<Taking> {
  const session = await mariaSession(connection, options);
  try {
    const [server] = await session.rows<{ logs: number; bytes: number }>(
      `SELECT JSON_OBJECT('logs', @@log_bin + 0, 'bytes', (SELECT COALESCE(SUM(data_length), 0) FROM information_schema.tables WHERE table_schema IN (${list(databases)})));`,
    );
    const torn = await session.rows<{ database: string; table: string }>(
      `SELECT JSON_OBJECT('database', table_schema, 'table', CONCAT(table_schema, '.', table_name)) FROM information_schema.tables WHERE table_schema IN (${list(databases)}) AND table_type = 'BASE TABLE' AND engine NOT IN ('InnoDB', 'ROCKSDB');`,
    );
    const position = positionOf(connection, server!.logs === 1);
    const stream = new SqlStream(databases);
    let began = () => undefined as unknown;
    const firstBytes = new Promise<unknown>((resolve) => {
      began = () => resolve(undefined);
    });
    return {
      parts: [
        {
          names: ["all.sql.gz"],
          stage: "whole",
          // Text, packed.
          expectedBytes: server!.bytes,
          async open() {
            const words = [...dumpWords, "--databases", "--", ...databases];
            const program = await startMaria(connection, "dump", words, options, "none", position.own);
            const what = `the dump of ${describeConnection(connection)}`;
            const read = async function* () {
              for await (const chunk of outputOf(what, program, options.signal)) {
                began();
                stream.write(chunk);
                yield chunk;
              }
              if (!stream.isComplete)
                throw new RekindleError("tool-failed", `${what} ended without its last line, and well`);
            };
            return { bytes: packed(read()), stop: program.stop };
          },
        },
      ],
      async observe(read) {
        await Promise.race([firstBytes, read]);
        // What the dump writes first, it writes when its transaction has begun.
        const startedAt = await now(session);
        await read;
        const endedAt = await now(session);
        const reasons = [
          ...(torn.length === 0
            ? []
            : [
                `${torn.map(({ table }) => table).join(", ")}: an engine without transactions, read while written`,
              ]),
          ...(position.reason === undefined ? [] : [position.reason]),
        ];
        return databases.map(
          (name): DumpedDatabase => ({
            name,
            takenAt: startedAt,
            observed: {
              label: torn.some(({ database }) => database === name) ? "crash" : "application",
              ran: [
                {
                  what: `mariadb-dump or mysqldump of ${databases.join(", ")}`,
                  exitCode: 0,
                  startedAt,
                  endedAt,
                },
              ],
              ...(stream.position === "" ? {} : { position: stream.position }),
              reasons,
            },
            rows: stream.rows[name] ?? {},
          }),
        );
      },
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

const dumpWords = [
  "--single-transaction",
  "--quick",
  "--routines",
  "--triggers",
  "--events",
  "--comments",
  "--default-character-set=utf8mb4",
  "--max-allowed-packet=1G",
];

/** How the position in the binary log is had, or why it isn't. MySQL says of GTIDs what no other server may take. */
function positionOf({ managed }: Connection, logs: boolean) {
  const others = "--set-gtid-purged=OFF --no-tablespaces";
  if (managed)
    return {
      own: { mariadb: "", mysql: others },
      reason: "no position: RDS lets no client hold all writes for it",
    };
  if (!logs)
    return { own: { mariadb: "", mysql: others }, reason: "no position: the server keeps no binary log" };
  return { own: { mariadb: "--master-data=2", mysql: `--source-data=2 ${others}` }, reason: undefined };
}

export async function userDatabases(connection: Connection, options: ClientOptions): Promise<string[]> {
  const sql = `SELECT JSON_OBJECT('name', schema_name) FROM information_schema.schemata WHERE LOWER(schema_name) NOT IN (${list(systemDatabases)}) ORDER BY schema_name;`;
  return (await askMaria<{ name: string }>(connection, options, sql)).map(({ name }) => name);
}

/** The rows of every table of a database, as they are now. */
export async function countMaria(
  connection: Connection,
  database: string,
  options: ClientOptions,
): Promise<Rows> {
  const session = await mariaSession(connection, options);
  try {
    const tables = await session.rows<{ name: string }>(
      `SELECT JSON_OBJECT('name', table_name) FROM information_schema.tables WHERE table_schema = ${mariaLiteral(database)} AND table_type = 'BASE TABLE' ORDER BY table_name;`,
    );
    const rows: Rows = {};
    for (const { name } of tables) {
      const sql = `SELECT JSON_OBJECT('rows', COUNT(*)) FROM ${mariaIdentifier(database)}.${mariaIdentifier(name)};`;
      rows[name] = (await session.rows<{ rows: number }>(sql))[0]!.rows;
    }
    return rows;
  } finally {
    await session.close();
  }
}

async function now(session: Awaited<ReturnType<typeof mariaSession>>): Promise<string> {
  const sql = "SELECT JSON_OBJECT('now', DATE_FORMAT(UTC_TIMESTAMP(3), '%Y-%m-%dT%H:%i:%s.%f'));";
  const [time] = await session.rows<{ now: string }>(sql);
  return `${time!.now.slice(0, "2026-11-24T10:00:00.000".length)}Z`;
}

async function* packed(bytes: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const gzip = createGzip();
  const fed = pipeline(bytes, gzip);
  // Told by the loop below, too.
  fed.catch(() => undefined);
  for await (const chunk of gzip) yield chunk as Buffer;
  await fed;
}

function list(names: readonly string[]): string {
  return names.map(mariaLiteral).join(", ");
}
