import { tmpdir } from "node:os";
import { type DumpContext, type DumpOutcome, takeDumps, type Wanted } from "../commands/dump.ts";
import type { DumpPlace } from "../commands/dump-places.ts";
import { verifyDump } from "../commands/verify-dump.ts";
import type { Site, Topology } from "../config/schema.ts";
import { type Dump, regionsOf, size, totalBytes, totalRows } from "../dump/dump.ts";
import type { Catalog } from "../edges/catalog.ts";
import { scratchServer } from "../edges/databases/scratch.ts";
import { RekindleError } from "../errors.ts";
import { answer, type Options, say } from "./answer.ts";
import {
  connectionOf,
  dumpNames,
  dumpPlaces,
  runnerLooks,
  targetOf,
  thisRunner,
  wantedDump,
} from "./databases.ts";
import { positive } from "./numbers.ts";
import { environmentName, topologyOf } from "./project.ts";
import { type Running, running } from "./shell.ts";

export interface DumpOptions extends Options {
  jobs: string;
  site: Site;
  sshConfig?: string;
}

/** Exits 0 only when every server that was asked for is dumped, and every region has it. */
export async function dumpCommand(asked: readonly string[], options: DumpOptions): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const client = clientOptions(options, run);
  const names = dumpNames(topology, asked);
  const context = await dumpContext(topology, options, run);
  const outcomes: DumpOutcome[] = [];
  const wanted: Wanted[] = [];
  for (const name of names) {
    try {
      const connection = await connectionOf(topology, name, options.site, run);
      wanted.push(wantedDump(topology, name, connection, client));
    } catch (error) {
      // One whose password is not there stops no other.
      outcomes.push({ kind: "failed", name, error });
    }
  }
  if (wanted.length > 0) outcomes.push(...(await takeDumps(context, wanted)));
  const dumps = outcomes.flatMap((one) => (one.kind === "dumped" ? [one.dump] : []));
  answer(options, { version: 1, dumps }, dumps.flatMap(describeDump));
  const failed = outcomes.flatMap((one) => (one.kind === "failed" ? [one] : []));
  if (failed.length === 1 && outcomes.length === 1) throw failed[0]!.error;
  const faults = [
    ...failed.map(({ name, error }) => `${name}: ${(error as Error).message}`),
    ...dumps.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`)),
  ];
  if (faults.length === 0) return;
  throw new RekindleError(
    "tool-failed",
    `${failed.length} of ${outcomes.length} dumps failed; mend what is named below, then run again`,
    { details: faults },
  );
}

export async function dumpContext(
  topology: Topology,
  options: Options & { jobs: string },
  run: Running,
): Promise<DumpContext> {
  return {
    ...run,
    environment: topology.environment,
    places: dumpPlaces(topology, run),
    runner: await thisRunner(),
    isRunning: runnerLooks(run.clock.now),
    jobs: positive("--jobs", options.jobs),
    print: say(options),
  };
}

/** Restores a dump into a server of its own, and compares. */
export async function verifyDumpCommand(
  id: string,
  options: Options & { jobs: string; region?: string; folder?: string },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const { catalog, streams } = placeNamed(dumpPlaces(topology, run), options.region);
  const dump = await dumpNamed(catalog, id, streams.place);
  const print = say(options);
  const restored = await verifyDump({
    dump,
    streams,
    startScratch: () => scratchServer(dump.engine, options.folder ?? tmpdir(), run.signal),
    connect: ({ connection }) => targetOf(connection, { signal: run.signal, withoutOwners: false }),
    jobs: positive("--jobs", options.jobs),
    print,
  });
  answer(options, { version: 1, dump: id, ...restored }, [
    `dump ${id} was restored into a server of its own, and all of it came back: ${restored.tables} tables, ${restored.rows} rows`,
  ]);
}

export function clientOptions({ sshConfig }: { sshConfig?: string }, { signal }: Running) {
  return { signal, sshConfig: sshConfig ?? process.env.REKINDLE_SSH_CONFIG };
}

/** A complete dump whose parts the catalog's place has. */
export async function dumpNamed(catalog: Catalog, id: string, place = catalog.store.region): Promise<Dump> {
  const dump = await catalog.dump(id);
  if (dump === undefined)
    throw new RekindleError(
      "bad-input",
      `${place} knows no dump ${JSON.stringify(id)}; rekindle dumps lists them`,
    );
  if (dump.status !== "complete")
    throw new RekindleError(
      "refused",
      `dump ${id} is ${dump.status} and can't be restored${dump.faults.map((fault) => `; ${fault}`).join("")}`,
    );
  if (!regionsOf(dump).includes(place))
    throw new RekindleError(
      "refused",
      `${place} does not hold all parts of dump ${id}; name another one with --region`,
    );
  return dump;
}

/** The place that is named, else the recovery region: the one that is there on the day. */
export function placeNamed(places: readonly DumpPlace[], named: string | undefined): DumpPlace {
  const found = named === undefined ? places[0] : places.find(({ streams }) => streams.place === named);
  if (found !== undefined) return found;
  throw new RekindleError(
    "bad-input",
    `--region ${JSON.stringify(named)} is no place of this environment; name ${places.map(({ streams }) => streams.place).join(" or ")}`,
  );
}

export function describeDump(dump: Dump): string[] {
  const { tables, rows } = totalRows(dump);
  return [
    `dump ${dump.id} is complete: ${dump.databases.length} databases, ${tables} tables, ${rows} rows, ${size(totalBytes(dump))}`,
    ...dump.databases.flatMap(({ name, takenAt, observed }) => [
      `  ${name}: ${observed.label} consistent as of ${takenAt}${observed.position === undefined ? "" : `, at ${observed.position}`}`,
      ...observed.reasons.map((reason) => `    ${reason}`),
    ]),
  ];
}

/** What dumps there are, the newest first. */
export async function dumpsCommand(
  name: string | undefined,
  options: Options & { region?: string },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const { catalog } = placeNamed(dumpPlaces(topology, running()), options.region);
  const dumps = (await catalog.dumps(name)).sort((a, b) => (a.takenAt < b.takenAt ? 1 : -1));
  answer(
    options,
    { version: 1, dumps },
    dumps.map(
      (dump) =>
        `${dump.id}: ${dump.status}, taken at ${dump.takenAt}, ${size(totalBytes(dump))}, in ${regionsOf(dump).join(" and ") || "no place"}`,
    ),
  );
}
