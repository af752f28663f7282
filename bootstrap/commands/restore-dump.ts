import { createHash } from "node:crypto";
import { inParallelOrNone } from "../collect/in-parallel.ts";
import type { Dump, DumpPart, Stage } from "../dump/dump.ts";
import { globalsFor } from "../dump/globals.ts";
import { planRestore, type RestorePlan } from "../dump/restore-plan.ts";
import { compareRows, describeDifference } from "../dump/rows.ts";
import type { StreamStore } from "../edges/aws/streams.ts";
import type { RestoreTarget, Restoring } from "../edges/databases/restoring.ts";
import { RekindleError } from "../errors.ts";
import { storedIn } from "./dump-places.ts";

export interface RestoreContext {
  dump: Dump;
  streams: StreamStore;
  target: RestoreTarget;
  /** Only these databases of it. */
  only?: readonly string[] | undefined;
  replace: boolean;
  withoutGlobals: boolean;
  jobs: number;
  /** Dumps databases that can't be kept aside on their server, and tells the dump's id. */
  keep(databases: readonly string[]): Promise<string>;
  print(line: string): void;
}

export interface Restored {
  plan: RestorePlan;
  /** Tables and rows that were counted afterwards, and are as the dump says. */
  tables: number;
  rows: number;
  /** Where what was there before is kept. */
  kept: { database: string; keptAs: string }[];
}

/** What a restore would do. Refuses what it must not do, with every reason. */
export async function lookAtRestore(
  context: Pick<RestoreContext, "dump" | "target" | "only" | "replace" | "withoutGlobals">,
): Promise<RestorePlan> {
  const { dump, target } = context;
  const decision = planRestore(dump, await target.look(), context);
  if (decision.kind === "plan") return decision.plan;
  throw new RekindleError("refused", `${dump.id} is not restored into ${target.where}; nothing was changed`, {
    details: decision.reasons,
  });
}

/** Streams a dump into a server, counts what came back, and takes all of it away again unless it is what was dumped. */
export async function restoreDump(context: RestoreContext): Promise<Restored> {
  const { dump, target, streams } = context;
  const plan = await lookAtRestore(context);
  const databases = dump.databases.filter(({ name }) => plan.databases.some((one) => one.name === name));
  if (plan.globals) {
    const { roles } = await target.look();
    for (const part of dump.parts.filter(({ stage }) => stage === "globals"))
      await target.loadGlobals(globalsFor(await textOf(verified(streams, part)), roles));
  }
  const restoring = await target.begin(databases);
  const kept: Restored["kept"] = [];
  let done: Omit<Restored, "plan" | "kept">;
  try {
    if (restoring.givesWay.length > 0) {
      const keptAs = await context.keep(restoring.givesWay);
      kept.push(...restoring.givesWay.map((database) => ({ database, keptAs })));
    }
    await loadParts(context, restoring, plan);
    done = await demandRows(dump, plan, restoring);
  } catch (error) {
    throw await discarded(error, restoring, target.where, kept);
  }
  return { plan, ...done, kept: [...kept, ...(await restoring.finish())] };
}

async function loadParts({ dump, streams, jobs }: RestoreContext, restoring: Restoring, plan: RestorePlan) {
  const isWanted = ({ database }: DumpPart) =>
    database === undefined || plan.databases.some(({ name }) => name === database);
  for (const stage of ["whole", "schema", "data", "indexes"] satisfies Stage[]) {
    const parts = dump.parts.filter((part) => part.stage === stage && isWanted(part));
    await inParallelOrNone(jobs, parts, (part) => restoring.load(part, verified(streams, part)));
  }
}

async function demandRows(dump: Dump, plan: RestorePlan, restoring: Restoring) {
  let tables = 0;
  let rows = 0;
  const differences: string[] = [];
  for (const { name } of plan.databases) {
    const found = await restoring.rows(name);
    const expected = dump.databases.find((one) => one.name === name)!.rows;
    differences.push(...compareRows(expected, found).map((one) => describeDifference(name, one)));
    tables += Object.keys(found).length;
    rows += Object.values(found).reduce((total, one) => total + one, 0);
  }
  if (differences.length === 0) return { tables, rows };
  throw new RekindleError("failed-check", `what came back of ${dump.id} is not what it holds`, {
    details: differences,
  });
}

/** The bytes of a part; fails at their end unless they are the ones that were sent. */
async function* verified(streams: StreamStore, part: DumpPart): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of streams.read(storedIn(streams, part))) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest("hex");
  if (found === part.sha256) return;
  throw new RekindleError(
    "failed-check",
    `s3://${streams.bucket}/${part.key} has sha256 ${found}, and ${part.sha256} was sent: someone has replaced it; restore from another region, or another dump`,
  );
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function discarded(
  error: unknown,
  restoring: Restoring,
  where: string,
  kept: Restored["kept"],
): Promise<unknown> {
  const left = await restoring.discard().then(
    () => [`what was restored so far is removed from ${where}`],
    (cause: Error) => [
      `what was restored so far is still on ${where}: ${cause.message}; the next restore removes it`,
    ],
  );
  const back = [...new Set(kept.map(({ keptAs }) => keptAs))].map(
    (id) => `what was there before is in dump ${id}; bring it back: rekindle restore dump ${id}`,
  );
  const { kind, message, details } =
    error instanceof RekindleError
      ? error
      : { kind: "tool-failed" as const, message: (error as Error).message, details: [] };
  return new RekindleError(kind, message, { cause: error, details: [...details, ...left, ...back] });
}
