import type { Catalog } from "../edges/catalog.ts";
import { RekindleError } from "../errors.ts";
import { assembleLog, type LogEntry } from "../history/log.ts";

export interface Log {
  version: 1;
  /** Newest first. */
  entries: LogEntry[];
  /** Regions that did not answer: their servers' reports may be missing. */
  unreachable: string[];
}

/** Who made which release live, when and why, and where it runs. A lost region is no reason not to answer. */
export async function readLog(catalogs: readonly Catalog[]): Promise<Log> {
  const read = await Promise.all(catalogs.map(readRegion));
  const answered = read.filter((region) => region.kind === "read");
  const lost = read.filter((region) => region.kind === "unreachable");
  if (answered.length === 0) throw lost[0]!.error;
  return {
    version: 1,
    entries: assembleLog(
      answered.flatMap(({ records }) => records),
      answered.flatMap(({ reports }) => reports),
    ),
    unreachable: lost.map(({ region }) => region),
  };
}

async function readRegion(catalog: Catalog) {
  try {
    const [records, reports] = await Promise.all([catalog.history(), catalog.reports()]);
    return { kind: "read" as const, records, reports };
  } catch (error) {
    if (!(error instanceof RekindleError) || error.kind !== "unreachable") throw error;
    return { kind: "unreachable" as const, region: catalog.store.region, error };
  }
}
