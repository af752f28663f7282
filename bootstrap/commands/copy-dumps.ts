import { chooseDump } from "../dump/choose.ts";
import { type Dump, regionsOf } from "../dump/dump.ts";
import { RekindleError } from "../errors.ts";
import { type DumpPlace, reachable, storedIn } from "./dump-places.ts";

export interface CopyDumpsContext {
  places: readonly [DumpPlace, ...DumpPlace[]];
  print(line: string): void;
}

const newest = { kind: "newest" } as const;

/** Brings the newest complete dump of each name to every place that lacks parts of it. */
export async function copyNewestDumps(context: CopyDumpsContext, names: readonly string[]): Promise<Dump[]> {
  const answering = await demandAny(context);
  const [{ catalog, streams }] = answering.reached;
  const copied: Dump[] = [];
  for (const name of names) {
    const choice = chooseDump(await catalog.dumpsUpTo(name, newest, streams.place), newest, streams.place);
    if (choice.kind === "chosen") copied.push(await copyDump(context, answering, choice.dump));
  }
  return copied;
}

/** The same for one dump. */
export async function copyNamedDump(context: CopyDumpsContext, id: string): Promise<Dump> {
  const answering = await demandAny(context);
  const [{ catalog, streams }] = answering.reached;
  const dump = await catalog.dump(id);
  if (dump?.status === "complete") return await copyDump(context, answering, dump);
  throw new RekindleError(
    "bad-input",
    `${streams.place} has no complete dump ${JSON.stringify(id)}; rekindle dumps lists them`,
  );
}

interface Answering {
  reached: [DumpPlace, ...DumpPlace[]];
  silent: string[];
}

/** Copies are also made when a region is lost. The first place that answers knows the dumps. */
async function demandAny({ places }: CopyDumpsContext): Promise<Answering> {
  const { reached, silent } = await reachable(places);
  const [first, ...others] = reached;
  if (first !== undefined) return { reached: [first, ...others], silent };
  throw new RekindleError("unreachable", "no place's catalog answers", { details: silent });
}

async function copyDump(
  { print }: CopyDumpsContext,
  { reached, silent }: Answering,
  dump: Dump,
): Promise<Dump> {
  const whole = regionsOf(dump);
  const source = reached.find(({ streams }) => whole.includes(streams.place));
  if (source === undefined)
    throw new RekindleError("refused", `no place that answers has all parts of ${dump.id}`, {
      details: [...dump.faults, ...silent],
    });
  const faults = [...silent];
  for (const { streams } of reached) {
    const lacking = dump.parts.filter(({ versions }) => versions[streams.place] === undefined);
    for (const part of lacking) {
      try {
        const copy = await streams.copy(storedIn(source.streams, part));
        part.versions[streams.place] = copy.versionId;
        print(`${part.key} is in ${streams.place}`);
      } catch (error) {
        faults.push(`${part.key} is not in ${streams.place}: ${(error as Error).message}`);
      }
    }
  }
  const copied = { ...dump, faults };
  // One that a prune has begun to remove meanwhile stays removed.
  if ((await reached[0].catalog.dump(dump.id))?.status === "complete")
    for (const { catalog } of reached) await catalog.writeDump(copied);
  return copied;
}
