import type { Found } from "../../collect/entry.ts";
import { HostFailure } from "../../collect/failure.ts";
import { literally, type Selection, selection } from "../../collect/globs.ts";
import { amend, assemble, type Cleaned, type Reading, unsettled } from "../../collect/reading.ts";
import type { Source } from "./source.ts";
import { unpack } from "./unpack.ts";

/** So many files are asked for again by name; more are all asked for again. */
const mostNames = 200;

/** Everything that a role takes from one host. Files that changed while they were read are read once more. */
export async function collectHost(
  source: Source,
  selected: Selection,
  take: (path: string, content: AsyncIterable<Buffer>) => Promise<Cleaned>,
): Promise<Found> {
  const read = async (part: Selection): Promise<Reading> => {
    let reading: Reading | undefined;
    await source.gather(part, async (tar) => {
      reading = await unpack(tar, part, take);
    });
    if (reading === undefined) throw new HostFailure("cut-short", "it sent nothing; run again");
    return reading;
  };
  const first = await read(selected);
  const again = unsettled(first);
  if (again.length === 0 || !source.isLive) return assemble(source.host, first);
  if (again.length > mostNames) return assemble(source.host, await read(selected));
  return assemble(source.host, amend(first, again, await read(selection(again.map(literally), []))));
}
