import { type Dump, dumpId, partKey } from "../../bootstrap/dump/dump.ts";
import type { Catalog } from "../../bootstrap/edges/catalog.ts";
import { aDump, aDumpPart } from "../dump/builders.ts";

/** A dump that bears any age: an entry in every catalog, and its one part in every bucket. */
export async function aStoredDump(
  catalogs: readonly Catalog[],
  name: string,
  startedAt: string,
  changes: Partial<Dump> = {},
): Promise<Dump> {
  const id = dumpId(name, new Date(startedAt));
  const key = partKey(id, "all.dump");
  const versions: Record<string, string> = {};
  for (const { store } of catalogs)
    versions[store.region] = (await store.create(key, Buffer.from("rows"), "d")).versionId;
  const parts = [aDumpPart({ key, versions })];
  const dump = aDump({ id, name, startedAt, takenAt: startedAt, parts, ...changes });
  for (const catalog of catalogs) await catalog.writeDump(dump);
  return dump;
}
