import { inParallel, inParallelOrNone } from "../collect/in-parallel.ts";
import type { Environment } from "../config/schema.ts";
import {
  type Dump,
  type DumpPart,
  dumpId,
  dumpPrefix,
  type Engine,
  partKey,
  type Runner,
  size,
  totalBytes,
} from "../dump/dump.ts";
import type { ByteStream } from "../edges/aws/streams.ts";
import type { Clock } from "../edges/clock.ts";
import type { DumpSource, PartSource } from "../edges/databases/taking.ts";
import { RekindleError } from "../errors.ts";
import { type DumpPlace, reachable } from "./dump-places.ts";
import { Undo } from "./undo.ts";

export interface DumpContext {
  environment: Pick<Environment, "name">;
  /** The recovery region first: the streams go there, and S3 copies them from there to the others. */
  places: readonly [DumpPlace, ...DumpPlace[]];
  runner: Runner;
  /** Whether the process that a dump names still takes it. */
  isRunning(dump: Dump): Promise<boolean>;
  jobs: number;
  clock: Clock;
  signal: AbortSignal;
  print(line: string): void;
}

/** One database server that is dumped. */
export interface Wanted {
  name: string;
  engine: Engine;
  format: Dump["format"];
  /** All of them when left out. */
  databases?: readonly string[] | undefined;
  source: DumpSource;
}

/** What is dumped of each name, or why it is not. */
export type DumpOutcome = { kind: "dumped"; dump: Dump } | { kind: "failed"; name: string; error: unknown };

/**
 * Dumps database servers into every place's bucket. One that fails stops no other. A place that does not answer lacks
 * them, which they say: only without the recovery region there is none.
 */
export async function takeDumps(context: DumpContext, wanted: readonly Wanted[]): Promise<DumpOutcome[]> {
  const [first, ...others] = context.places;
  await first.demand();
  await first.streams.inspect();
  const { reached, silent } = await reachable(others);
  const answering: DumpContext = { ...context, places: [first, ...reached] };
  await clearAbandoned(answering);
  return await inParallel(context.jobs, wanted, async (one): Promise<DumpOutcome> => {
    try {
      return { kind: "dumped", dump: await fillDump(answering, one, silent) };
    } catch (error) {
      return { kind: "failed", name: one.name, error };
    }
  });
}

/** The same for one, whose failure is raised. */
export async function takeDump(context: DumpContext, wanted: Wanted): Promise<Dump> {
  const [outcome] = await takeDumps(context, [wanted]);
  if (outcome!.kind === "failed") throw outcome!.error;
  return outcome!.dump;
}

/** One dump. It is complete in the catalogs only when every part is in the recovery region. */
async function fillDump(context: DumpContext, wanted: Wanted, silent: readonly string[]): Promise<Dump> {
  const startedAt = context.clock.now();
  const dump: Dump = {
    version: 1,
    id: dumpId(wanted.name, startedAt),
    environment: context.environment.name,
    name: wanted.name,
    engine: wanted.engine,
    format: wanted.format,
    status: "pending",
    startedAt: startedAt.toISOString(),
    takenAt: startedAt.toISOString(),
    runner: context.runner,
    serverVersion: "",
    databases: [],
    parts: [],
    faults: [],
  };
  const undo = new Undo();
  // Journaled first: a command that is killed leaves a dump that says so, and that no restore will choose.
  await writeEverywhere(context, dump);
  try {
    await fill(context, wanted, dump, undo);
  } catch (error) {
    dump.status = "failed";
    dump.faults = [(error as Error).message, ...(await undo.run())];
    dump.parts = [];
    await writeEverywhere(context, dump);
    throw nothingKept(dump, error);
  }
  dump.status = "complete";
  dump.faults.push(...silent);
  await writeEverywhere(context, dump);
  return dump;
}

function nothingKept({ name, faults }: Dump, cause: unknown): RekindleError {
  const { kind, details } =
    cause instanceof RekindleError ? cause : { kind: "tool-failed" as const, details: [] };
  const message = `dump of ${name} failed, and is none: ${(cause as Error).message}; mend that, and run again`;
  return new RekindleError(kind, message, { cause, details: [...details, ...faults.slice(1)] });
}

async function fill(
  context: DumpContext,
  { source, databases }: Wanted,
  dump: Dump,
  undo: Undo,
): Promise<void> {
  dump.serverVersion = await source.version();
  const there = await source.databases();
  const missing = (databases ?? []).filter((name) => !there.includes(name));
  if (missing.length > 0)
    throw new RekindleError(
      "bad-input",
      `${source.where} has no database ${missing.join(", ")}; it has ${there.join(", ") || "none"}`,
    );
  const open = new Set<ByteStream>();
  const stop = () => {
    for (const stream of open) stream.stop();
  };
  const send = async (part: PartSource): Promise<void> => {
    const stream = await part.open();
    open.add(stream);
    const sent = await sendPart(context, dump.id, part, stream, undo).finally(() => open.delete(stream));
    dump.parts.push(sent.part);
    dump.faults.push(...sent.faults);
  };
  if (source.globals !== undefined) await send(source.globals);
  await inParallelOrNone(
    context.jobs,
    source.together(databases ?? there),
    async (together) => {
      const taking = await source.take(together);
      try {
        const sending = inParallelOrNone(context.jobs, taking.parts, send, stop);
        const observing = taking.observe(sending);
        // Without what it observes, a dump is none: nothing more of it is sent.
        observing.catch(stop);
        await Promise.allSettled([sending, observing]);
        dump.databases.push(...(await observing));
      } finally {
        await taking.close();
      }
    },
    stop,
  );
  dump.databases.sort((a, b) => (a.name < b.name ? -1 : 1));
  dump.parts.sort((a, b) => (a.key < b.key ? -1 : 1));
  dump.takenAt =
    dump.databases
      .map(({ takenAt }) => takenAt)
      .sort()
      .at(-1) ?? dump.takenAt;
  context.print(
    `${dump.name}: ${dump.databases.length} databases of ${source.where}, ${size(totalBytes(dump))}`,
  );
}

/** Streams a part to the recovery region, and has S3 copy it on. A copy that fails leaves the dump complete there. */
async function sendPart(
  { places: [first, ...others] }: DumpContext,
  id: string,
  part: PartSource,
  stream: ByteStream,
  undo: Undo,
): Promise<{ part: DumpPart; faults: string[] }> {
  const key = partKey(id, ...part.names);
  const { stored, sha256 } = await first.streams.send(key, stream, part.expectedBytes);
  undo.push(`s3://${stored.bucket}/${key}`, () => first.streams.remove(stored));
  const versions: Record<string, string> = { [first.streams.place]: stored.versionId };
  const faults: string[] = [];
  for (const { streams } of others) {
    try {
      const copy = await streams.copy(stored);
      undo.push(`s3://${copy.bucket}/${key}`, () => streams.remove(copy));
      versions[streams.place] = copy.versionId;
    } catch (error) {
      faults.push(`${key} is not in ${streams.place}: ${(error as Error).message}`);
    }
  }
  const { stage, database } = part;
  return {
    part: {
      key,
      stage,
      ...(database === undefined ? {} : { database }),
      bytes: stored.bytes,
      sha256,
      versions,
    },
    faults,
  };
}

/** Takes away what dumps have left that were killed: their uploads, and their entries become failed ones. */
async function clearAbandoned(context: DumpContext): Promise<void> {
  const pending = (await context.places[0].catalog.dumps()).filter(({ status }) => status === "pending");
  const abandoned: Dump[] = [];
  for (const dump of pending) if (!(await context.isRunning(dump))) abandoned.push(dump);
  if (abandoned.length === 0) return;
  for (const { streams } of context.places) {
    for (const upload of await streams.openUploads(dumpPrefix))
      if (abandoned.some(({ id }) => upload.key.startsWith(partKey(id, "")))) {
        await streams.abort(upload);
        context.print(
          `aborted the upload of s3://${streams.bucket}/${upload.key}, which a killed dump had left`,
        );
      }
  }
  for (const dump of abandoned) {
    const failed: Dump = { ...dump, status: "failed", faults: ["its command was killed"] };
    for (const { streams, catalog } of context.places) {
      for (const key of await catalog.store.list(partKey(dump.id, "")))
        for (const { versionId } of await catalog.store.versions(key))
          await streams.remove({ key, versionId });
    }
    await writeEverywhere(context, failed);
  }
}

async function writeEverywhere({ places }: DumpContext, dump: Dump): Promise<void> {
  for (const { catalog } of places) await catalog.writeDump(dump);
}
