import { type Connection, describeConnection } from "../../dump/connection.ts";
import { RekindleError } from "../../errors.ts";
import { quote } from "../hosts/gather-script.ts";
import type { Started } from "../process.ts";
import { type ClientOptions, startClient } from "./place.ts";
import { openSession, type Session } from "./session.ts";

/** Each program's names, the engine's own first. */
const programs = {
  client: { mariadb: ["mariadb", "mysql"], mysql: ["mysql", "mariadb"] },
  dump: { mariadb: ["mariadb-dump", "mysqldump"], mysql: ["mysqldump", "mariadb-dump"] },
} as const;

/** The server's own root is known by its socket, and needs no password. */
const asRoot = `as=
if [ "$(id -u)" -ne 0 ]; then as='sudo -n'; fi`;

/**
 * Starts the client or the dump of MariaDB or MySQL. `own` are words that only one of the two dumps knows; `input` is
 * what the program gets to read, nothing unless it is said.
 */
export function startMaria(
  connection: Connection,
  program: keyof typeof programs,
  words: readonly string[],
  options: ClientOptions,
  input: "none" | "given" = "none",
  own: { mariadb: string; mysql: string } = { mariadb: "", mysql: "" },
): Promise<Started> {
  const { ssh, host, port, user, password, managed, engine } = connection;
  const names = programs[program][engine === "mysql" ? "mysql" : "mariadb"];
  const look = names.map((name) => `command -v ${name}`).join(" || ");
  const to = [
    ...(host === undefined
      ? []
      : host.startsWith("/")
        ? [`--socket=${host}`]
        : [`--host=${host}`, "--protocol=tcp"]),
    ...(port === undefined ? [] : [`--port=${port}`]),
    ...(user === undefined ? [] : [`--user=${user}`]),
    ...(managed ? [engine === "mysql" ? "--ssl-mode=REQUIRED" : "--ssl"] : []),
  ];
  // Must be the first word. Whoever lists processes sees no more than the name of a pipe.
  const secret = password === undefined ? "" : " --defaults-extra-file=/dev/fd/3";
  const isOwner = ssh !== undefined && user === undefined;
  return startClient(
    connection,
    {
      before: [
        "cd /; export LC_ALL=C",
        `program=$(${look}) || { echo 'neither ${names.join(" nor ")} is on PATH; install it: apt-get install mariadb-client' >&2; exit 127; }`,
        `case $("$program" --version 2>/dev/null) in *MariaDB*) own=${quote(own.mariadb)} ;; *) own=${quote(own.mysql)} ;; esac`,
        isOwner ? asRoot : "as=",
        ...(password === undefined ? [] : [passwordFile(password)]),
      ].join("\n"),
      program: `exec $as "$program"${secret} ${to.map(quote).join(" ")} $own ${words.map(quote).join(" ")}${input === "none" ? " </dev/null" : ""}`,
    },
    options,
  );
}

export async function mariaSession(connection: Connection, options: ClientOptions): Promise<Session> {
  const words = [
    "--batch",
    "--raw",
    "--skip-column-names",
    "--unbuffered",
    "--default-character-set=utf8mb4",
    "--connect-timeout=15",
  ];
  const program = await startMaria(connection, "client", words, options, "given");
  const what = `the client of ${describeConnection(connection)}`;
  return openSession(what, program, options.signal, (word) => `SELECT '${word}';`);
}

/** Asks one question on a connection of its own. */
export async function askMaria<T>(connection: Connection, options: ClientOptions, sql: string): Promise<T[]> {
  const session = await mariaSession(connection, options);
  try {
    return await session.rows<T>(sql);
  } finally {
    await session.close();
  }
}

export function mariaIdentifier(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

export function mariaLiteral(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** A file of options that is a pipe, and is read once. */
function passwordFile(password: string): string {
  if (/[\n\0]/.test(password))
    throw new RekindleError(
      "bad-input",
      "the database's password has a line break; the client can't be given it",
    );
  const escaped = password.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `exec 3<<'REKINDLE'\n[client]\npassword="${escaped}"\nREKINDLE`;
}
