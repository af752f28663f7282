import { isVault } from "../config/places.ts";
import type { DataSet, RecoveryPoint } from "./point.ts";

/** One thing in one region that a recovery point consists of. */
export interface Part {
  kind: "snapshot" | "DB snapshot";
  region: string;
  id: string;
  /** Whose data it is, such as `volume data-0 of db-0`. */
  what: string;
  /** Of a volume; a database's is not known. */
  sizeGiB?: number;
}

/**
 * Everything that a point consists of, in every region: what a check looks for, and a prune takes away. A vault's part
 * is its own account's affair: what can delete here must not reach there.
 */
export function partsOf(point: RecoveryPoint): Part[] {
  return point.sets.flatMap(partsOfSet);
}

function partsOfSet(set: DataSet): Part[] {
  switch (set.kind) {
    case "volumes":
      return set.volumes.flatMap(({ name, sizeGiB, snapshots }) =>
        inRegions({ kind: "snapshot", what: `volume ${name} of ${set.server}`, sizeGiB }, snapshots),
      );
    case "database":
      return inRegions({ kind: "DB snapshot", what: `database ${set.database}` }, set.snapshots);
  }
}

function inRegions(part: Omit<Part, "region" | "id">, ids: Readonly<Record<string, string>>): Part[] {
  const inOwnAccount = Object.entries(ids).filter(([place]) => !isVault(place));
  return inOwnAccount.map(([region, id]) => ({ ...part, region, id }));
}
