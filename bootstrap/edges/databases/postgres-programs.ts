import { type Connection, describeConnection } from "../../dump/connection.ts";
import { quote } from "../hosts/gather-script.ts";
import type { Started } from "../process.ts";
import { type ClientOptions, startClient } from "./place.ts";
import { openSession, type Session } from "./session.ts";

/** The newest of several versions speaks to every older server; where there is but one, it is on PATH. */
const newest = `for folder in $(ls -dv /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null); do PATH="$folder:$PATH"; done
cd /`;

/** On the server itself its owner logs in, who needs no password. */
const asOwner = `as=
if [ "$(id -un)" != postgres ]; then
  if [ "$(id -u)" -eq 0 ]; then as='runuser -u postgres --'; else as='sudo -n -u postgres'; fi
fi`;

/** Starts pg_dump or another one; `input` is what it gets to read, nothing unless it is said. */
export function startPostgres(
  connection: Connection,
  words: readonly string[],
  options: ClientOptions,
  input: "none" | "given" = "none",
): Promise<Started> {
  const { host, port, user, password, ssh, managed } = connection;
  const settings = {
    PGHOST: host,
    PGPORT: port === undefined ? undefined : String(port),
    PGUSER: user,
    PGSSLMODE: managed ? "require" : undefined,
    PGCONNECT_TIMEOUT: "15",
    LC_ALL: "C",
  };
  const named = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quote(value)}`],
  );
  const isOwner = ssh !== undefined && user === undefined;
  return startClient(
    connection,
    {
      before: [
        newest,
        ...(isOwner ? [asOwner] : ["as="]),
        ...(password === undefined ? [] : [`export PGPASSWORD=${quote(password)}`]),
      ].join("\n"),
      program: `exec $as env PATH="$PATH" ${[...named, ...words.map(quote)].join(" ")}${input === "none" ? " </dev/null" : ""}`,
    },
    options,
  );
}

/** One database for libpq, with limits that tell a server that is gone from one that is slow. */
export function databaseOption(name: string): string {
  const quoted = name.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
  return `--dbname=dbname='${quoted}' keepalives_idle=15 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=60000 application_name=rekindle`;
}

const psql = ["psql", "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"];

export async function postgresSession(
  connection: Connection,
  database: string,
  options: ClientOptions,
): Promise<Session> {
  const words = [...psql, "--tuples-only", "--no-align", databaseOption(database)];
  const program = await startPostgres(connection, words, options, "given");
  const what = `psql of ${describeConnection(connection)}`;
  return openSession(what, program, options.signal, (word) => `\\echo ${word}`);
}

/** psql that runs a script from its input, all of it or nothing. */
export function startScript(
  connection: Connection,
  database: string,
  options: ClientOptions,
): Promise<Started> {
  return startPostgres(
    connection,
    [...psql, "--single-transaction", "--file=-", databaseOption(database)],
    options,
    "given",
  );
}

/** Asks one question on a connection of its own. */
export async function ask<T>(
  connection: Connection,
  database: string,
  options: ClientOptions,
  sql: string,
): Promise<T[]> {
  const session = await postgresSession(connection, database, options);
  try {
    return await session.rows<T>(sql);
  } finally {
    await session.close();
  }
}

/** A name in SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text in SQL. */
export function literal(text: string): string {
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
