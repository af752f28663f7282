import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type Connection, describeConnection } from "../../dump/connection.ts";
import type { PresentDatabase } from "../../dump/restore-plan.ts";
import { SqlSections } from "../../dump/sql-sections.ts";
import { RekindleError } from "../../errors.ts";
import { countMaria, markDatabase, userDatabases } from "./mariadb-dump.ts";
import { askMaria, mariaIdentifier, mariaLiteral, mariaSession, startMaria } from "./mariadb-programs.ts";
import type { ClientOptions } from "./place.ts";
import { feed, type RestoreTarget } from "./restoring.ts";
import type { Session } from "./session.ts";

/**
 * Restores under the databases' own names, since neither MariaDB nor MySQL renames one. While it is at it, a database
 * `rekindle_restoring` lists them, so that what a killed restore leaves is known for what it is.
 */
export function mariaTarget(connection: Connection, options: ClientOptions): RestoreTarget {
  const where = describeConnection(connection);
  return {
    where,
    async look() {
      const [server] = await askMaria<{ version: string }>(
        connection,
        options,
        "SELECT JSON_OBJECT('version', version());",
      );
      return { version: server!.version, roles: [], databases: await presentDatabases(connection, options) };
    },
    loadGlobals: async () => undefined,
    async begin(databases) {
      const names = databases.map(({ name }) => name);
      const session = await mariaSession(connection, options);
      try {
        await lock(session, where);
        for (const name of [...(await halfRestored(session)), markDatabase]) await drop(session, name);
        const present = (await presentDatabases(connection, options)).filter(({ name }) =>
          names.includes(name),
        );
        for (const { name } of present.filter(({ tables }) => tables === 0)) await drop(session, name);
        const givesWay = present.filter(({ tables }) => tables > 0).map(({ name }) => name);
        const state = { hasBegun: false };
        const begin = async () => {
          if (state.hasBegun) return;
          state.hasBegun = true;
          await session.rows(`CREATE DATABASE ${markDatabase};
CREATE TABLE ${markDatabase}.names (name VARCHAR(64) NOT NULL) CHARACTER SET utf8mb4;
INSERT INTO ${markDatabase}.names VALUES ${names.map((name) => `(${mariaLiteral(name)})`).join(", ")};`);
          for (const name of givesWay) await drop(session, name);
        };
        const end = async () => {
          await session.rows(`DROP DATABASE IF EXISTS ${markDatabase};`);
          await session.close();
        };
        return {
          givesWay,
          async load(_part, bytes) {
            await begin();
            const words = ["--binary-mode", "--default-character-set=utf8mb4", "--max-allowed-packet=1G"];
            const program = await startMaria(connection, "client", words, options, "given");
            await feed(`the client of ${where}`, program, unpacked(bytes, names), options.signal);
          },
          rows: (database) => countMaria(connection, database, options),
          async finish() {
            await end();
            return [];
          },
          async discard() {
            if (state.hasBegun) for (const name of names) await drop(session, name);
            await end();
          },
        };
      } catch (error) {
        await session.close();
        throw error;
      }
    },
  };
}

async function lock(session: Session, where: string): Promise<void> {
  const [one] = await session.rows<{ locked: number }>(
    "SELECT JSON_OBJECT('locked', GET_LOCK('rekindle restore', 0));",
  );
  if (one!.locked !== 1)
    throw new RekindleError("refused", `another restore is at it on ${where}; wait for its end`);
}

function drop(session: Session, name: string): Promise<unknown> {
  return session.rows(`DROP DATABASE IF EXISTS ${mariaIdentifier(name)};`);
}

/** Databases that a killed restore has left. */
async function halfRestored(session: Session): Promise<string[]> {
  const [mark] = await session.rows<{ tables: number }>(
    `SELECT JSON_OBJECT('tables', COUNT(*)) FROM information_schema.tables WHERE table_schema = '${markDatabase}' AND table_name = 'names';`,
  );
  if (mark!.tables === 0) return [];
  const names = await session.rows<{ name: string }>(
    `SELECT JSON_OBJECT('name', name) FROM ${markDatabase}.names;`,
  );
  return names.map(({ name }) => name);
}

async function presentDatabases(connection: Connection, options: ClientOptions): Promise<PresentDatabase[]> {
  const session = await mariaSession(connection, options);
  try {
    const half = await halfRestored(session);
    const sizes = await session.rows<PresentDatabase>(
      "SELECT JSON_OBJECT('name', table_schema, 'tables', COUNT(*), 'bytes', COALESCE(SUM(data_length + index_length), 0)) FROM information_schema.tables GROUP BY table_schema;",
    );
    const all = await userDatabases(connection, options);
    return all
      .filter((name) => !half.includes(name))
      .map((name) => sizes.find((one) => one.name === name) ?? { name, tables: 0, bytes: 0 });
  } finally {
    await session.close();
  }
}

async function* unpacked(
  bytes: AsyncIterable<Uint8Array>,
  wanted: readonly string[],
): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  const sections = new SqlSections(wanted);
  const fed = pipeline(bytes, gunzip);
  // Told by the loop below, too.
  fed.catch(() => undefined);
  for await (const chunk of gunzip) yield* sections.write(chunk as Buffer);
  yield* sections.end();
  await fed;
}
