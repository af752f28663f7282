/**
 * `rekindle dump` to one region, and `rekindle restore dump` from it: arguments are the server's socket and user, the
 * bucket, and which of the two.
 */
import { takeDumps } from "../../bootstrap/commands/dump.ts";
import { restoreDump } from "../../bootstrap/commands/restore-dump.ts";
import { s3Store } from "../../bootstrap/edges/aws/objects.ts";
import { s3Streams } from "../../bootstrap/edges/aws/streams.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { runnerLooks, sourceOf, targetOf, thisRunner } from "../../bootstrap/entry/databases.ts";
import { region } from "../emulator.ts";

const [host, user, bucket, task] = process.argv.slice(2) as [string, string, string, "dump" | "restore"];
const access = { endpoint: process.env.AWS_ENDPOINT_URL!, stopwatch: new Stopwatch(systemClock) };
const catalog = new Catalog(s3Store(access, region, bucket));
const streams = s3Streams(access, region, bucket);
const connection = { engine: "postgres", host, port: 5432, user } as const;
const { signal } = new AbortController();
const print = () => undefined;

if (task === "dump") {
  const source = sourceOf(connection, { signal }, "custom", true);
  const [outcome] = await takeDumps(
    {
      environment: { name: "bench" },
      // Who the caller is, is one more call, of a service that the other tool never asks.
      places: [{ catalog, streams, demand: async () => "none" }],
      runner: await thisRunner(),
      isRunning: runnerLooks(systemClock.now),
      jobs: 2,
      clock: systemClock,
      signal,
      print,
    },
    [{ name: "bench", engine: "postgres", format: "custom", databases: ["bench"], source }],
  );
  if (outcome!.kind === "failed") throw outcome!.error;
} else {
  const dump = (await catalog.dumps()).filter(({ status }) => status === "complete").at(-1)!;
  await restoreDump({
    dump,
    streams,
    target: targetOf(connection, { signal, withoutOwners: false }),
    replace: false,
    withoutGlobals: false,
    jobs: 2,
    keep: async () => "none",
    print,
  });
}
