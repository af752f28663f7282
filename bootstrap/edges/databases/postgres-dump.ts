import { type Connection, describeConnection } from "../../dump/connection.ts";
import { divide, type TableSize } from "../../dump/divide.ts";
import type { Creation, DumpedDatabase, Rows } from "../../dump/dump.ts";
import type { ByteStream } from "../aws/streams.ts";
import { type ClientOptions, outputOf } from "./place.ts";
import {
  ask,
  databaseOption,
  identifier,
  literal,
  postgresSession,
  startPostgres,
} from "./postgres-programs.ts";
import type { Session } from "./session.ts";
import type { DumpSource, PartSource, Taking } from "./taking.ts";

/** The database that is there on every server, to ask about the others. */
export const maintenance = "postgres";

const lockPatience = "60s";

/**
 * Databases of one PostgreSQL. Each is read from one snapshot, which a session of ours holds, notes the position of,
 * and counts the rows in, while pg_dump reads from it.
 */
export function postgresSource(
  connection: Connection,
  options: ClientOptions,
  wanted: { format: "custom" | "directory"; globals: boolean },
): DumpSource {
  const where = describeConnection(connection);
  const one = async <T>(sql: string) => (await ask<T>(connection, maintenance, options, sql))[0]!;
  return {
    where,
    async version() {
      return (
        await one<{ version: string }>(
          "SELECT json_build_object('version', current_setting('server_version'));",
        )
      ).version;
    },
    async databases() {
      return (await ask<{ name: string }>(connection, maintenance, options, listDatabases)).map(
        ({ name }) => name,
      );
    },
    // A snapshot is one database's.
    together: (databases) => databases.map((name) => [name]),
    take: ([database]) => take(connection, database!, wanted.format, options),
    globals: wanted.globals ? globals(connection, options) : undefined,
  };
}

function globals(connection: Connection, options: ClientOptions): PartSource {
  return {
    names: ["globals.sql"],
    stage: "globals",
    expectedBytes: 0,
    async open() {
      const sql =
        "SELECT json_build_object('superuser', rolsuper) FROM pg_roles WHERE rolname = current_user;";
      const [role] = await ask<{ superuser: boolean }>(connection, maintenance, options, sql);
      // Only a superuser may read what stands for the passwords.
      const passwords = role?.superuser ? [] : ["--no-role-passwords"];
      const words = ["pg_dumpall", "--globals-only", "--no-tablespaces", "--no-password", ...passwords];
      return await reading(connection, [...words, databaseOption(maintenance)], options);
    },
  };
}

async function take(
  connection: Connection,
  database: string,
  format: "custom" | "directory",
  options: ClientOptions,
): Promise<Taking> {
  const session = await postgresSession(connection, database, options);
  try {
    const [held] = await session.rows<Held>(hold);
    const tables = await session.rows<Table>(listTables);
    // What is read later must not be emptied or dropped before: as pg_dump does it, and before it.
    if (tables.length > 0)
      await session.rows(`LOCK TABLE ${tables.map(qualified).join(", ")} IN ACCESS SHARE MODE;`);
    const pgDump = (...words: string[]) =>
      reading(
        connection,
        [
          "pg_dump",
          "--format=custom",
          `--snapshot=${held!.exported}`,
          `--lock-wait-timeout=${lockPatience}`,
          "--no-password",
          ...words,
          databaseOption(database),
        ],
        options,
      );
    const parts =
      format === "custom"
        ? [wholeOf(database, held!.bytes, pgDump)]
        : partsOf(database, held!.bytes, tables, pgDump);
    return {
      parts,
      observe: async (read) => {
        const began = held!.takenAt;
        const rows = await countRows(session, tables);
        await read;
        const creation = await creationOf(connection, database, session, options);
        const [{ now }] = (await session.rows<{ now: string }>(moment)) as [{ now: string }];
        const ran = {
          what: `pg_dump --format=${format} of ${database}`,
          exitCode: 0,
          startedAt: began,
          endedAt: now,
        };
        const dumped: DumpedDatabase = {
          name: database,
          takenAt: held!.takenAt,
          observed: {
            label: "application",
            ran: [ran],
            position: `${held!.lsn}, snapshot ${held!.snapshot}`,
            reasons: [],
          },
          rows,
          creation,
        };
        return [dumped];
      },
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

type PgDump = (...words: string[]) => Promise<ByteStream>;

function wholeOf(database: string, bytes: number, pgDump: PgDump): PartSource {
  return {
    names: [`${database}.dump`],
    stage: "whole",
    database,
    expectedBytes: bytes,
    open: () => pgDump(),
  };
}

function partsOf(database: string, bytes: number, tables: readonly Table[], pgDump: PgDump): PartSource[] {
  const heavy = divide(tables);
  const part = (
    name: string,
    stage: PartSource["stage"],
    expectedBytes: number,
    ...words: string[]
  ): PartSource => ({
    names: [database, `${name}.dump`],
    stage,
    database,
    expectedBytes,
    open: () => pgDump(...words),
  });
  const pattern = ({ schema, name }: Table) => `${identifier(schema)}.${identifier(name)}`;
  const rest = bytes - heavy.reduce((sum, one) => sum + one.bytes, 0);
  return [
    part("schema", "schema", 0, "--section=pre-data"),
    ...(heavy as Table[]).map((table) =>
      part(`table ${table.table}`, "data", table.bytes, "--section=data", `--table=${pattern(table)}`),
    ),
    part(
      "rest",
      "data",
      Math.max(0, rest),
      "--section=data",
      ...(heavy as Table[]).map((table) => `--exclude-table-data=${pattern(table)}`),
    ),
    part("indexes", "indexes", 0, "--section=post-data"),
  ];
}

interface Held {
  exported: string;
  snapshot: string;
  lsn: string;
  takenAt: string;
  bytes: number;
}

interface Table extends TableSize {
  schema: string;
  name: string;
}

const utc = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";
const moment = `SELECT json_build_object('now', ${utc});`;

/** A server that is a copy of another one has replayed the log up to a position, and has none of its own. */
const hold = `SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '${lockPatience}';
SET row_security = off; SET search_path = ''; SET client_encoding = 'UTF8';
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT json_build_object('exported', pg_export_snapshot(), 'snapshot', pg_current_snapshot()::text,
  'lsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END,
  'takenAt', ${utc}, 'bytes', pg_database_size(current_database()));`;

/** The one that is there on every server counts when somebody uses it; what an interrupted DROP has left is none. */
const listDatabases = `SELECT json_build_object('name', datname) FROM pg_database
WHERE datallowconn AND datconnlimit <> -2 AND NOT datistemplate AND datname <> 'rdsadmin' AND (datname <> current_database() OR EXISTS (
  SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'))
ORDER BY datname;`;

/** A name as the counts tell it: quoted only where a dot in it could be taken for the one between schema and table. */
function told(name: string): string {
  return `CASE WHEN ${name} ~ '[."]' THEN '"' || replace(${name}, '"', '""') || '"' ELSE ${name}::text END`;
}

/** Tables that hold rows of their own: none of an extension's, which brings its rows itself. */
const listTables = `SELECT json_build_object('schema', n.nspname, 'name', c.relname, 'table', ${told("n.nspname")} || '.' || ${told("c.relname")}, 'bytes', pg_table_size(c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname;`;

function qualified({ schema, name }: Table): string {
  return `ONLY ${identifier(schema)}.${identifier(name)}`;
}

async function countRows(session: Session, tables: readonly Table[]): Promise<Rows> {
  const rows: Rows = {};
  for (const table of tables) {
    const sql = `SELECT json_build_object('rows', count(*)) FROM ${qualified(table)};`;
    rows[table.table] = (await session.rows<{ rows: number }>(sql))[0]!.rows;
  }
  const sql = "SELECT json_build_object('rows', count(*)) FROM pg_catalog.pg_largeobject_metadata;";
  const [objects] = await session.rows<{ rows: number }>(sql);
  return objects!.rows === 0 ? rows : { ...rows, "large objects": objects!.rows };
}

/** The rows of every table that a dump would hold, as they are now. */
export async function countNow(
  connection: Connection,
  database: string,
  options: ClientOptions,
): Promise<Rows> {
  const session = await postgresSession(connection, database, options);
  try {
    await session.rows("SET row_security = off; SET search_path = '';");
    return await countRows(session, await session.rows<Table>(listTables));
  } finally {
    await session.close();
  }
}

async function creationOf(
  connection: Connection,
  database: string,
  session: Session,
  options: ClientOptions,
): Promise<Creation> {
  const sql = `SELECT json_build_object('encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype, 'owner', pg_get_userbyid(datdba)) FROM pg_database WHERE datname = ${literal(database)};`;
  const [made] = await session.rows<Omit<Creation, "properties">>(sql);
  const words = ["pg_dump", "--format=plain", "--create", "--schema-only", "--exclude-schema=*"];
  const read = await reading(connection, [...words, "--no-password", databaseOption(database)], options);
  const chunks: Uint8Array[] = [];
  for await (const chunk of read.bytes) chunks.push(chunk);
  const properties = Buffer.concat(chunks)
    .toString()
    .split("\n")
    .filter((line) =>
      /^(ALTER DATABASE .* SET |ALTER ROLE .* IN DATABASE |GRANT .* ON DATABASE |REVOKE .* ON DATABASE |COMMENT ON DATABASE )/.test(
        line,
      ),
    );
  return { ...made!, properties };
}

async function reading(
  connection: Connection,
  words: readonly string[],
  options: ClientOptions,
): Promise<ByteStream> {
  const program = await startPostgres(connection, words, options);
  const what = `${words[0]} of ${describeConnection(connection)}`;
  return { bytes: outputOf(what, program, options.signal), stop: program.stop };
}
