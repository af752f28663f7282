import { type Connection, describeConnection } from "../../dump/connection.ts";
import type { DumpedDatabase } from "../../dump/dump.ts";
import type { PresentDatabase } from "../../dump/restore-plan.ts";
import { RekindleError } from "../../errors.ts";
import { sha256 } from "../../release/digest.ts";
import type { ClientOptions } from "./place.ts";
import { countNow, maintenance } from "./postgres-dump.ts";
import {
  ask,
  databaseOption,
  identifier,
  literal,
  postgresSession,
  startPostgres,
  startScript,
} from "./postgres-programs.ts";
import { feed, type RestoreTarget } from "./restoring.ts";

/**
 * Restores into databases of other names, which take their place in one transaction when every count agrees: nobody
 * meets a half-restored one, and the one before stays, renamed.
 */
export function postgresTarget(
  connection: Connection,
  options: ClientOptions & { withoutOwners: boolean },
): RestoreTarget {
  const where = describeConnection(connection);
  return {
    where,
    async look() {
      const [server] = await ask<{ version: string; roles: string[] }>(
        connection,
        maintenance,
        options,
        "SELECT json_build_object('version', current_setting('server_version'), 'roles', (SELECT json_agg(rolname) FROM pg_roles));",
      );
      return { ...server!, databases: await presentDatabases(connection, options) };
    },
    async loadGlobals(sql) {
      const program = await startScript(connection, maintenance, options);
      await feed(`psql of ${where}`, program, once(sql), options.signal);
    },
    async begin(databases) {
      // Nobody can rename the database that he is connected to.
      const aside = databases.some(({ name }) => name === maintenance) ? "template1" : maintenance;
      const session = await postgresSession(connection, aside, options);
      const drop = (name: string) =>
        session.rows(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE);`);
      try {
        for (const { name } of databases) {
          const sql = `SELECT json_build_object('locked', pg_try_advisory_lock(hashtext(${literal(`rekindle restore ${name}`)})));`;
          const [lock] = await session.rows<{ locked: boolean }>(sql);
          if (!lock!.locked)
            throw new RekindleError(
              "refused",
              `another restore of database ${name} is at it on ${where}; wait for its end`,
            );
        }
        for (const database of databases) {
          await drop(scratchName(database.name));
          await session.rows(createSql(database, options.withoutOwners));
        }
      } catch (error) {
        await session.close();
        throw error;
      }
      return {
        givesWay: [],
        async load({ database }, bytes) {
          const owners = options.withoutOwners ? ["--no-owner", "--no-acl"] : [];
          const words = ["pg_restore", "--exit-on-error", "--no-tablespaces", "--no-password", ...owners];
          const into = databaseOption(scratchName(database!));
          const program = await startPostgres(connection, [...words, into], options, "given");
          await feed(`pg_restore of ${database} into ${where}`, program, bytes, options.signal);
        },
        rows: (database) => countNow(connection, scratchName(database), options),
        async finish() {
          const kept: { database: string; keptAs: string }[] = [];
          for (const database of databases) {
            const keptAs = await swap(session, connection, database, options);
            if (keptAs !== undefined) kept.push({ database: database.name, keptAs });
          }
          await session.close();
          return kept;
        },
        async discard() {
          for (const { name } of databases) await drop(scratchName(name));
          await session.close();
        },
      };
    },
  };
}

/** Gives the restored database its name; tells the name of the one before, if that held anything. */
async function swap(
  session: Awaited<ReturnType<typeof postgresSession>>,
  connection: Connection,
  { name, creation }: DumpedDatabase,
  options: ClientOptions & { withoutOwners: boolean },
): Promise<string | undefined> {
  const present = (await presentDatabases(connection, options)).find((one) => one.name === name);
  let keptAs: string | undefined;
  if (present?.tables === 0) await session.rows(`DROP DATABASE ${identifier(name)} WITH (FORCE);`);
  else if (present !== undefined) {
    const [time] = await session.rows<{ at: string }>(
      "SELECT json_build_object('at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'));",
    );
    keptAs = `${name.slice(0, 40)}_before_${time!.at}`;
    await session.rows(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false;
SELECT json_build_object('ended', pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = ${literal(name)};`);
  }
  const scratch = scratchName(name);
  await session.rows(`BEGIN;
${keptAs === undefined ? "" : `ALTER DATABASE ${identifier(name)} RENAME TO ${identifier(keptAs)};`}
ALTER DATABASE ${identifier(scratch)} RENAME TO ${identifier(name)};
COMMIT;`);
  if (keptAs !== undefined)
    await session.rows(`ALTER DATABASE ${identifier(keptAs)} ALLOW_CONNECTIONS true;`);
  if (!options.withoutOwners) await session.rows((creation?.properties ?? []).join("\n"));
  return keptAs;
}

/** Short, whatever the database's own name is, and the same in the next run. */
function scratchName(database: string): string {
  return `rekindle_restoring_${sha256(database).slice(0, 16)}`;
}

function createSql({ name, creation }: DumpedDatabase, withoutOwners: boolean): string {
  const { encoding, collate, ctype, owner } = creation!;
  const owned = withoutOwners ? "" : ` OWNER ${identifier(owner)}`;
  return `CREATE DATABASE ${identifier(scratchName(name))} TEMPLATE template0 ENCODING ${literal(encoding)} LC_COLLATE ${literal(collate)} LC_CTYPE ${literal(ctype)}${owned};`;
}

/** Databases of users, each with its tables: those need a connection of their own. */
async function presentDatabases(connection: Connection, options: ClientOptions): Promise<PresentDatabase[]> {
  const all = await ask<{ name: string; bytes: number }>(
    connection,
    maintenance,
    options,
    "SELECT json_build_object('name', datname, 'bytes', pg_database_size(oid)) FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> 'rdsadmin' AND datname !~ '^rekindle_restoring_' ORDER BY datname;",
  );
  const counted: PresentDatabase[] = [];
  for (const database of all) {
    const sql =
      "SELECT json_build_object('tables', count(*)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';";
    const [found] = await ask<{ tables: number }>(connection, database.name, options, sql);
    counted.push({ ...database, tables: found!.tables });
  }
  return counted;
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
