import { tmpdir } from "node:os";
import { type DumpContext, takeDumps } from "../commands/dump.ts";
import { verifyDump } from "../commands/verify-dump.ts";
import type { Site, Topology } from "../config/schema.ts";
import { type Dump, regionsOf, size, totalBytes, totalRows } from "../dump/dump.ts";
import { awsAccount } from "../edges/aws/account.ts";
import type { Catalog } from "../edges/catalog.ts";
import { scratchServer } from "../edges/databases/scratch.ts";
import { RekindleError } from "../errors.ts";
import { answer, type Options, say } from "./answer.ts";
import {
  connectionOf,
  dumpNames,
  dumpRegions,
  runnerLooks,
  targetOf,
  thisRunner,
  wantedDump,
} from "./databases.ts";
import { positive } from "./numbers.ts";
import { environmentName, topologyOf } from "./project.ts";
import { awsAccessOfShell, type Running, running } from "./shell.ts";

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
  const wanted = await Promise.all(
    names.map(async (name) =>
      wantedDump(topology, name, await connectionOf(topology, name, options.site, run), client),
    ),
  );
  const context = await dumpContext(topology, options, run);
  const outcomes = await takeDumps(context, wanted);
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
    account: awsAccount(awsAccessOfShell(run)),
    regions: dumpRegions(topology, run),
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
  const { catalog, streams } = regionNamed(dumpRegions(topology, run), options.region);
  const dump = await dumpNamed(catalog, id);
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

/** A complete dump whose parts the catalog's region has. */
export async function dumpNamed(catalog: Catalog, id: string): Promise<Dump> {
  const { region } = catalog.store;
  const dump = await catalog.dump(id);
  if (dump === undefined)
    throw new RekindleError(
      "bad-input",
      `region ${region} knows no dump ${JSON.stringify(id)}; rekindle dumps lists them`,
    );
  if (dump.status !== "complete")
    throw new RekindleError(
      "refused",
      `dump ${id} is ${dump.status} and can't be restored${dump.faults.map((fault) => `; ${fault}`).join("")}`,
    );
  if (!regionsOf(dump).includes(region))
    throw new RekindleError(
      "refused",
      `region ${region} does not hold all parts of dump ${id}; name another one with --region`,
    );
  return dump;
}

/** The region that is named, else the recovery region: the one that is there on the day. */
export function regionNamed<T extends { streams: { region: string } }>(
  regions: readonly T[],
  named: string | undefined,
): T {
  const found = named === undefined ? regions[0] : regions.find(({ streams }) => streams.region === named);
  if (found !== undefined) return found;
  throw new RekindleError(
    "bad-input",
    `--region ${JSON.stringify(named)} is no region of this environment; name ${regions.map(({ streams }) => streams.region).join(" or ")}`,
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
  const { catalog } = regionNamed(dumpRegions(topology, running()), options.region);
  const dumps = (await catalog.dumps(name)).sort((a, b) => (a.takenAt < b.takenAt ? 1 : -1));
  answer(
    options,
    { version: 1, dumps },
    dumps.map(
      (dump) =>
        `${dump.id}: ${dump.status}, taken at ${dump.takenAt}, ${size(totalBytes(dump))}, in ${regionsOf(dump).join(" and ") || "no region"}`,
    ),
  );
}
