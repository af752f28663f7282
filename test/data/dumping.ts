import { existsSync } from "node:fs";
import { PutBucketEncryptionCommand } from "@aws-sdk/client-s3";
import { afterEach } from "vitest";
import type { DumpContext, Wanted } from "../../bootstrap/commands/dump.ts";
import type { DumpPlace } from "../../bootstrap/commands/dump-places.ts";
import { type RestoreContext, restoreDump } from "../../bootstrap/commands/restore-dump.ts";
import { siteBucket } from "../../bootstrap/config/names.ts";
import type { Connection } from "../../bootstrap/dump/connection.ts";
import type { Dump } from "../../bootstrap/dump/dump.ts";
import { s3Streams } from "../../bootstrap/edges/aws/streams.ts";
import type { CloudRegion } from "../../bootstrap/edges/cloud.ts";
import type { ClientOptions } from "../../bootstrap/edges/databases/place.ts";
import type { Sandbox } from "../../bootstrap/edges/sandbox.ts";
import { sourceOf, targetOf } from "../../bootstrap/entry/databases.ts";
import { aTopology } from "../builders.ts";
import { credentialsIn, testField } from "../commands/field.ts";
import { clients } from "../sandbox/clients.ts";

/** The places' buckets as the foundation leaves them, and what dumps and restores need of a command. */
export async function dumpField(sandbox: Sandbox, changes: Record<string, unknown> = {}) {
  const topology = aTopology(changes);
  const { cloud, shared, lines } = await testField(sandbox, topology);
  const name = topology.environment.name;
  const connect = async ({ place, catalog, account }: CloudRegion): Promise<DumpPlace> => {
    const { region } = place;
    const credentials = await credentialsIn(sandbox, place);
    const bucket = siteBucket(name, place.account, region);
    await clients(sandbox.endpoint, region, 30_000, credentials).s3.send(
      new PutBucketEncryptionCommand({
        Bucket: bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } }],
        },
      }),
    );
    const access = { endpoint: sandbox.endpoint, credentials, stopwatch: shared.stopwatch };
    return {
      catalog,
      streams: s3Streams(access, region, bucket, place.account, place.name),
      demand: () => account.demand(place.account, region),
    };
  };
  const [first, ...others] = [cloud.recovery, cloud.primary, ...cloud.further];
  const places: DumpContext["places"] = [await connect(first!), ...(await Promise.all(others.map(connect)))];
  const context: DumpContext = {
    environment: topology.environment,
    places,
    runner: { host: "here", pid: process.pid, since: "" },
    isRunning: async () => false,
    jobs: 2,
    clock: shared.clock,
    signal: shared.signal,
    print: shared.print,
  };
  const options: ClientOptions = { signal: shared.signal };
  return {
    context,
    places,
    lines,
    options,
    wanted: (connection: Connection, changes: Partial<Wanted> = {}): Wanted => {
      const format = changes.format ?? (connection.engine === "postgres" ? "custom" : "sql");
      const { engine } = connection;
      return {
        name: "main",
        engine,
        format,
        source: sourceOf(connection, options, format, true),
        ...changes,
      };
    },
    restore: (dump: Dump, connection: Connection, changes: Partial<RestoreContext> = {}) =>
      restoreDump({
        dump,
        streams: places[0].streams,
        target: targetOf(connection, { ...options, withoutOwners: false }),
        replace: false,
        withoutGlobals: false,
        jobs: 2,
        keep: async () => Promise.reject(new Error("nothing was to be kept")),
        print: shared.print,
        ...changes,
      }),
    /** Every upload that has not ended, in any region. */
    openUploads: async () => (await Promise.all(places.map(({ streams }) => streams.openUploads("")))).flat(),
    /** Every object below dumps/, in any region. */
    objects: async () =>
      (await Promise.all(places.map(({ catalog }) => catalog.store.list("dumps/")))).flat(),
  };
}

/** Waits until the sandbox has seen so many requests of an action. */
export async function seen(sandbox: Sandbox, action: string, count: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    let found = 0;
    for (let at = 0; ; ) {
      const page = await sandbox.requestsSince(at);
      if (page.requests.length === 0) break;
      found += page.requests.filter((one) => one.action === action).length;
      at = page.next;
    }
    if (found >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no ${count} requests ${action} within half a minute`);
}

/** Runs what a test has started, in reverse, when it has ended. */
export function afterwards(): (act: () => unknown) => void {
  const acts: (() => unknown)[] = [];
  afterEach(async () => {
    for (let act = acts.pop(); act !== undefined; act = acts.pop()) await act();
  });
  return (act) => void acts.push(act);
}

/** Why tests of an engine can't run here; nothing when they can. */
export function lacking(engine: "postgres" | "mariadb"): string | undefined {
  if (engine === "postgres")
    return existsSync("/usr/lib/postgresql")
      ? undefined
      : "no PostgreSQL is installed below /usr/lib/postgresql";
  return ["/usr/sbin/mariadbd", "/usr/bin/mariadb-dump"].every((path) => existsSync(path))
    ? undefined
    : "no MariaDB server and client are installed";
}
