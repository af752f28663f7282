import { hostname } from "node:os";
import type { Wanted } from "../commands/dump.ts";
import type { DumpPlace } from "../commands/dump-places.ts";
import { endpointParameter, secretParameter, siteBucket } from "../config/names.ts";
import { nearest } from "../config/nearest.ts";
import { furtherPlaces, type Place, primaryPlace, recoveryPlace } from "../config/places.ts";
import type { Site, Topology } from "../config/schema.ts";
import { type Connection, readConnection } from "../dump/connection.ts";
import type { Dump, Engine, Runner } from "../dump/dump.ts";
import { awsAccount } from "../edges/aws/account.ts";
import { assumedRole } from "../edges/aws/assumed-role.ts";
import { s3Store } from "../edges/aws/objects.ts";
import { s3Streams } from "../edges/aws/streams.ts";
import { Catalog } from "../edges/catalog.ts";
import { mariaSource } from "../edges/databases/mariadb-dump.ts";
import { mariaTarget } from "../edges/databases/mariadb-restore.ts";
import type { ClientOptions } from "../edges/databases/place.ts";
import { postgresSource } from "../edges/databases/postgres-dump.ts";
import { postgresTarget } from "../edges/databases/postgres-restore.ts";
import type { RestoreTarget } from "../edges/databases/restoring.ts";
import type { DumpSource } from "../edges/databases/taking.ts";
import { isLive, startOf } from "../edges/hosts/run-lock.ts";
import { RekindleError } from "../errors.ts";
import { awsAccessOfShell, type Running } from "./shell.ts";

/** The edges to database servers, as an environment's `dumps` and the command line name them. */

/** The recovery region first. Of AWS it takes S3 and STS only: what a dump does not need stays unloaded. */
export function dumpPlaces({ environment }: Topology, run: Running): [DumpPlace, ...DumpPlace[]] {
  const access = awsAccessOfShell(run);
  const connect = ({ name, account, region, role }: Place): DumpPlace => {
    const own = role === undefined ? access : assumedRole(access, role, region);
    const bucket = siteBucket(environment.name, account, region);
    return {
      catalog: new Catalog(s3Store(own, region, bucket, account)),
      streams: s3Streams(own, region, bucket, account, name),
      demand: () => awsAccount(own).demand(account, region),
    };
  };
  const others = [primaryPlace(environment), ...furtherPlaces(environment)];
  return [connect(recoveryPlace(environment)), ...others.map(connect)];
}

/** The environment's dumps that are asked for, or all; refuses names that it does not have. */
export function dumpNames({ environment }: Topology, asked: readonly string[]): string[] {
  const known = Object.keys(environment.dumps);
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown === undefined && known.length > 0) return asked.length === 0 ? known : [...new Set(asked)];
  if (unknown === undefined)
    throw new RekindleError(
      "bad-input",
      `environment ${environment.name} names no database server under dumps; add one to its file`,
    );
  const meant = nearest(unknown, known);
  throw new RekindleError(
    "bad-input",
    `environment ${environment.name} has no dump ${JSON.stringify(unknown)}; ${meant === undefined ? `name one of ${known.join(", ") || "none, since there are none"}` : `did you mean ${JSON.stringify(meant)}?`}`,
  );
}

/** How the server of one of the environment's dumps is reached, with its password, which no file holds. */
export async function connectionOf(
  { environment }: Topology,
  name: string,
  site: Site,
  run: Running,
): Promise<Connection> {
  const { engine, from, user, password } = environment.dumps[name]!;
  const secrets = await secretsOf(environment.regions[site], run);
  const secret = password === undefined ? undefined : await secrets.read(password);
  const who = {
    ...(user === undefined ? {} : { user }),
    ...(secret === undefined ? {} : { password: secret }),
  };
  if ("host" in from)
    return { engine, host: from.host, ...(from.port === undefined ? {} : { port: from.port }), ...who };
  if ("ssh" in from)
    return {
      engine,
      ssh: from.ssh,
      ...(user === undefined || password === undefined ? {} : { host: "127.0.0.1" }),
      ...who,
    };
  const [host, port] = (
    await secrets.read(`ssm:${endpointParameter(environment.name, site, from.database)}`)
  ).split(":");
  const kept = async () => {
    const arn = await secrets.read(`ssm:${secretParameter(environment.name, site, from.database)}`);
    return await secrets.read(`secret:${arn}#password`);
  };
  return {
    engine,
    host: host!,
    port: Number(port),
    managed: true,
    user: environment.databases[from.database]!.username,
    password: secret ?? (await kept()),
    ...who,
  };
}

/** A server that the command line names, and the password that it or its environment variable leads to. */
export async function connectionNamed(
  option: string,
  text: string,
  engine: Engine,
  { environment }: Topology,
  passwordFrom: string | undefined,
  run: Running,
): Promise<Connection> {
  const connection = readConnection(option, text, engine);
  const password =
    passwordFrom === undefined
      ? process.env.REKINDLE_DATABASE_PASSWORD
      : await (await secretsOf(environment.regions.recovery, run)).read(passwordFrom);
  return password === undefined ? connection : { ...connection, password };
}

async function secretsOf(region: string, run: Running) {
  const { awsSecrets } = await import("../edges/aws/secrets.ts");
  return awsSecrets(awsAccessOfShell(run), region);
}

export function wantedDump(
  { environment }: Topology,
  name: string,
  connection: Connection,
  options: ClientOptions,
): Wanted {
  const wish = environment.dumps[name]!;
  const { engine, databases } = wish;
  const format = wish.engine === "postgres" ? wish.format : "sql";
  const globals = wish.engine === "postgres" && wish.globals;
  return { name, engine, format, databases, source: sourceOf(connection, options, format, globals) };
}

export function sourceOf(
  connection: Connection,
  options: ClientOptions,
  format: Dump["format"],
  globals: boolean,
): DumpSource {
  return format === "sql"
    ? mariaSource(connection, options)
    : postgresSource(connection, options, { format, globals });
}

export function targetOf(
  connection: Connection,
  options: ClientOptions & { withoutOwners: boolean },
): RestoreTarget {
  return connection.engine === "postgres"
    ? postgresTarget(connection, options)
    : mariaTarget(connection, options);
}

export async function thisRunner(): Promise<Runner> {
  return { host: hostname(), pid: process.pid, since: await startOf(process.pid) };
}

const dayMs = 86_400_000;

/** A process of another machine can't be asked: it has a day, which no dump takes. */
export function runnerLooks(now: () => Date): (dump: Dump) => Promise<boolean> {
  return async ({ runner, startedAt }) =>
    runner.host === hostname()
      ? await isLive(runner.pid, runner.since)
      : now().getTime() - Date.parse(startedAt) < dayMs;
}
