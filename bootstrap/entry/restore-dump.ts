import { takeDump } from "../commands/dump.ts";
import { lookAtRestore, type RestoreContext, type Restored, restoreDump } from "../commands/restore-dump.ts";
import type { Site, Topology } from "../config/schema.ts";
import { chooseDump, type DumpWish } from "../dump/choose.ts";
import type { Connection } from "../dump/connection.ts";
import type { Dump } from "../dump/dump.ts";
import { describeRestorePlan, type RestorePlan } from "../dump/restore-plan.ts";
import { RekindleError } from "../errors.ts";
import { momentOf } from "../history/live-at.ts";
import { answer, type Options, say } from "./answer.ts";
import { connectionNamed, connectionOf, dumpNames, dumpPlaces, sourceOf, targetOf } from "./databases.ts";
import { clientOptions, dumpContext, dumpNamed, placeNamed } from "./dump.ts";
import { positive } from "./numbers.ts";
import { environmentName, topologyOf } from "./project.ts";
import { type Running, running } from "./shell.ts";

interface RestoreOptions extends Options {
  jobs: string;
  region?: string;
  dryRun?: boolean;
  replace?: boolean;
  owner: boolean;
  globals: boolean;
  sshConfig?: string;
}

/** A whole dump, or some of its databases, into any server. */
export async function restoreDumpCommand(
  id: string,
  options: RestoreOptions & { to: string; passwordFrom?: string; database?: string[] },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const { catalog, streams } = placeNamed(dumpPlaces(topology, run), options.region);
  const dump = await dumpNamed(catalog, id, streams.place);
  const connection = await connectionNamed(
    "--to",
    options.to,
    dump.engine,
    topology,
    options.passwordFrom,
    run,
  );
  await restore({ topology, run, dump, connection, only: options.database, reasons: [] }, options);
}

/** One of the environment's dumps, or one database of it, into the server that it was taken of. */
export async function restoreDatabaseCommand(
  name: string,
  options: RestoreOptions & { asOf?: string; dump?: string; site: Site; database?: string[] },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  dumpNames(topology, [name]);
  const run = running();
  const { catalog, streams } = placeNamed(dumpPlaces(topology, run), options.region);
  const choice = chooseDump(await catalog.dumps(name), wishOf(options), streams.place);
  if (choice.kind === "none")
    throw new RekindleError(
      "no-recovery-point",
      `no dump of ${name} in ${streams.place} can be restored; take one: rekindle dump ${name}`,
      { details: choice.reasons },
    );
  const connection = await connectionOf(topology, name, options.site, run);
  const { dump, passedOver } = choice;
  const reasons = [
    `dump ${dump.id}, taken at ${dump.takenAt}`,
    ...passedOver.map((reason) => `not ${reason}`),
  ];
  await restore({ topology, run, dump, connection, only: options.database, reasons }, options);
}

async function restore(
  of: {
    topology: Topology;
    run: Running;
    dump: Dump;
    connection: Connection;
    only: string[] | undefined;
    /** Why this dump and no other. */
    reasons: string[];
  },
  options: RestoreOptions,
): Promise<void> {
  const { topology, run, dump, connection, only, reasons } = of;
  const print = say(options);
  const client = clientOptions(options, run);
  const context: RestoreContext = {
    dump,
    streams: placeNamed(dumpPlaces(topology, run), options.region).streams,
    target: targetOf(connection, { ...client, withoutOwners: !options.owner }),
    only,
    replace: options.replace ?? false,
    withoutGlobals: !options.globals,
    jobs: positive("--jobs", options.jobs),
    print,
    keep: async (databases) => {
      print(`${databases.join(", ")}: dumped first, since nothing else would keep them`);
      const source = sourceOf(connection, client, dump.format, false);
      const { name, engine, format } = dump;
      const kept = await takeDump(await dumpContext(topology, options, run), {
        name,
        engine,
        format,
        databases,
        source,
      });
      return kept.id;
    },
  };
  for (const reason of reasons) print(reason);
  if (options.dryRun) {
    const plan = await lookAtRestore(context);
    answer(options, planned(plan, reasons), describeRestorePlan(plan, context.target.where));
    return;
  }
  const restored = await restoreDump(context);
  answer(
    options,
    { version: 1, reasons, ...restored },
    describeRestored(dump, restored, context.target.where),
  );
}

function planned(plan: RestorePlan, reasons: string[]) {
  return { version: 1, reasons, plan };
}

function describeRestored(dump: Dump, { plan, tables, rows, kept }: Restored, where: string): string[] {
  return [
    `dump ${dump.id} is restored into ${where}: ${plan.databases.map(({ name }) => name).join(", ")}; ${tables} tables and ${rows} rows, as many as it holds`,
    ...kept.map(
      ({ database, keptAs }) => `the database ${database} that was there before is kept as ${keptAs}`,
    ),
  ];
}

function wishOf({ asOf, dump }: { asOf?: string; dump?: string }): DumpWish {
  if (dump !== undefined) return { kind: "id", id: dump };
  if (asOf === undefined) return { kind: "newest" };
  const moment = momentOf(asOf);
  if (moment !== undefined) return { kind: "as-of", moment: new Date(moment).toISOString() };
  throw new RekindleError(
    "bad-input",
    `--as-of ${JSON.stringify(asOf)} is no time; write it in ISO 8601, such as 2026-11-24T03:00:00Z`,
  );
}
