import { chooseDump } from "../dump/choose.ts";
import type { Dump, DumpPart } from "../dump/dump.ts";
import { RekindleError } from "../errors.ts";
import { type DumpPlace, reachable } from "./dump-places.ts";

export interface CopyDumpsContext {
  places: readonly [DumpPlace, ...DumpPlace[]];
  print(line: string): void;
}

const newest = { kind: "newest" } as const;

/** Brings the newest complete dump of each name to every place that lacks parts of it. */
export async function copyNewestDumps(context: CopyDumpsContext, names: readonly string[]): Promise<Dump[]> {
  const { here, others, silent } = await answering(context);
  const { catalog, streams } = here;
  const copied: Dump[] = [];
  for (const name of names) {
    const choice = chooseDump(await catalog.dumpsUpTo(name, newest, streams.place), newest, streams.place);
    if (choice.kind === "chosen") copied.push(await copyDump(context, here, others, silent, choice.dump));
  }
  return copied;
}

/** The same for one dump. */
export async function copyNamedDump(context: CopyDumpsContext, id: string): Promise<Dump> {
  const { here, others, silent } = await answering(context);
  const dump = await here.catalog.dump(id);
  if (dump?.status !== "complete")
    throw new RekindleError(
      "bad-input",
      `${here.streams.place} has no complete dump ${JSON.stringify(id)}; rekindle dumps lists them`,
    );
  return await copyDump(context, here, others, silent, dump);
}

/** Copies are also made when a region is lost: the first place that answers is copied from. */
async function answering({ places }: CopyDumpsContext) {
  const { reached, silent } = await reachable(places);
  const [here, ...others] = reached;
  if (here === undefined)
    throw new RekindleError("unreachable", "no place's catalog answers", { details: silent });
  return { here, others, silent };
}

async function copyDump(
  { print }: CopyDumpsContext,
  here: DumpPlace,
  others: readonly DumpPlace[],
  silent: readonly string[],
  dump: Dump,
): Promise<Dump> {
  const faults = [...silent];
  for (const { streams } of others) {
    const lacking = dump.parts.filter(({ versions }) => versions[streams.place] === undefined);
    for (const part of lacking) {
      try {
        const copy = await streams.copy(storedIn(here, part));
        part.versions[streams.place] = copy.versionId;
        print(`${part.key} is in ${streams.place}`);
      } catch (error) {
        faults.push(`${part.key} is not in ${streams.place}: ${(error as Error).message}`);
      }
    }
  }
  const copied = { ...dump, faults };
  // One that a prune has begun to remove meanwhile stays removed.
  if ((await here.catalog.dump(dump.id))?.status === "complete")
    for (const { catalog } of [here, ...others]) await catalog.writeDump(copied);
  return copied;
}

function storedIn({ streams: { bucket, place, region, account } }: DumpPlace, part: DumpPart) {
  const { key, bytes, versions } = part;
  const stored = { region, bucket, key, bytes, versionId: versions[place]! };
  return account === undefined ? stored : { ...stored, account };
}
