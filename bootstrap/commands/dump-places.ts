import type { DumpPart } from "../dump/dump.ts";
import type { StoredStream, StreamStore } from "../edges/aws/streams.ts";
import type { Catalog } from "../edges/catalog.ts";
import { RekindleError } from "../errors.ts";

/** One place's part in a dump. */
export interface DumpPlace {
  catalog: Catalog;
  streams: StreamStore;
  /** Fails unless the caller is in the account whose place it is. */
  demand(): Promise<unknown>;
}

/**
 * Those of the places that answer, and why the others do not. What answers and is not as it should be, such as a bucket
 * without versions, is an error: that is mended before the first write.
 */
export async function reachable<P extends DumpPlace>(
  places: readonly P[],
): Promise<{ reached: P[]; silent: string[] }> {
  const looked = await Promise.all(
    places.map(async (place) => {
      try {
        await place.demand();
        await place.streams.inspect();
        return { place };
      } catch (error) {
        if (!(error instanceof RekindleError) || error.kind !== "unreachable") throw error;
        return { reason: `${place.streams.place} does not answer: ${error.message}` };
      }
    }),
  );
  return {
    reached: looked.flatMap(({ place }) => place ?? []),
    silent: looked.flatMap(({ reason }) => reason ?? []),
  };
}

/** Where a part lies in one place that has it. */
export function storedIn({ place, account, region, bucket }: StreamStore, part: DumpPart): StoredStream {
  const { key, bytes, versions } = part;
  return { account, region, bucket, key, versionId: versions[place]!, bytes };
}
