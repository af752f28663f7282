import { tags } from "../config/names.ts";
import type { Place } from "../config/places.ts";
import { isCompleteIn, type RecoveryPoint } from "./point.ts";

/** One snapshot of a point, wherever it has been copied to. `snapshots` is the point's own record of where copies of it are, and is kept up there. */
export interface CopiedPart {
  kind: "volume" | "database";
  /** For people, such as `volume data-0 of db-0`. */
  name: string;
  role: string;
  /** Of a volume: the server that it is of, and its own name. */
  server?: string;
  volume?: string;
  /** Unknown of a database. */
  sizeGiB?: number;
  snapshots: Record<string, string>;
}

/** Everything of a point that is to be in every place. Data sets that share a snapshot share its copies from now on. */
export function copiedParts(point: RecoveryPoint): CopiedPart[] {
  const parts: CopiedPart[] = [];
  for (const set of point.sets) {
    if (set.kind === "database") {
      const { database, snapshots } = set;
      parts.push({ kind: "database", name: `database ${database}`, role: database, snapshots });
      continue;
    }
    const { server, role } = set;
    for (const volume of set.volumes) {
      const { name, sizeGiB, snapshots } = volume;
      const shared = parts.find((part) => isShared(part.snapshots, snapshots));
      if (shared !== undefined) volume.snapshots = Object.assign(shared.snapshots, snapshots);
      else
        parts.push({
          kind: "volume",
          name: `volume ${name} of ${server}`,
          role,
          server,
          volume: name,
          sizeGiB,
          snapshots,
        });
    }
  }
  return parts;
}

/** As of servers whose data is taken from one read replica. */
function isShared(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  return Object.entries(one).some(([place, snapshot]) => other[place] === snapshot);
}

/** What every snapshot of a part is tagged with, wherever it is: an interrupted copy is found by it. */
export function pointLabel(
  point: RecoveryPoint,
  { role, server, volume }: Pick<CopiedPart, "role" | "server" | "volume">,
): Record<string, string> {
  return {
    [tags.environment]: point.environment,
    [tags.point]: point.id,
    [tags.role]: role,
    [tags.release]: point.release.release,
    ...(server === undefined ? {} : { [tags.server]: server }),
    ...(volume === undefined ? {} : { [tags.volume]: volume }),
  };
}

/**
 * Where a part can be copied from into a place, the best first. A vault takes only what its own region has: no copy
 * crosses accounts and regions at once.
 */
export function sourcesFor(part: CopiedPart, to: Place, places: readonly Place[]): Place[] {
  return places.filter(
    ({ name, role, region }) =>
      name !== to.name &&
      role === undefined &&
      part.snapshots[name] !== undefined &&
      (to.role === undefined || region === to.region),
  );
}

/** Notes how much of a point is in one place, and with that whether it is complete everywhere. */
export function settle(point: RecoveryPoint, place: string, faults: readonly string[]): void {
  point.places = { ...point.places, [place]: faults.length === 0 ? "complete" : [...faults] };
}

/** A point's status once nothing is under way any more. */
export function outcomeOf(point: RecoveryPoint, places: readonly string[]): RecoveryPoint["status"] {
  const isEverywhere = places.every((place) => point.places?.[place] === "complete");
  return point.faults.length === 0 && isEverywhere ? "complete" : "incomplete";
}

/** What a point lacks, one sentence a part. */
export function lacksOf(point: RecoveryPoint): string[] {
  const ofPlaces = Object.entries(point.places ?? {}).flatMap(([place, state]) =>
    state === "complete" ? [] : state.map((fault) => `${place}: ${fault}`),
  );
  return [...point.faults, ...ofPlaces];
}

/**
 * Points that lack copies, the newest first, down to the newest that a rebuild can take: older ones are worth the
 * copies only to somebody who names them.
 */
export function unfinished(
  points: readonly RecoveryPoint[],
  places: readonly string[],
  recovery: string,
): RecoveryPoint[] {
  const newestFirst = [...points].sort((a, b) => b.takenAt.localeCompare(a.takenAt));
  const usable = newestFirst.findIndex((point) => isCompleteIn(point, recovery));
  return (usable < 0 ? newestFirst : newestFirst.slice(0, usable + 1)).filter(
    (point) => canBeFinished(point) && places.some((place) => !isCompleteIn(point, place)),
  );
}

/** What was missed while a point was taken, no copy can bring; and nothing is copied out of the archive tier. */
export function canBeFinished({ status, faults, sets, archived }: RecoveryPoint): boolean {
  return status !== "removing" && faults.length === 0 && sets.length > 0 && archived === undefined;
}

/**
 * The point as one place's catalog has it: with the status that it has there. A vault's names its snapshots as those of
 * its region, and knows no others.
 */
export function asSeenFrom(point: RecoveryPoint, place: Place): RecoveryPoint {
  const status = isCompleteIn(point, place.name) ? "complete" : point.status;
  if (place.role === undefined) return { ...point, status };
  const own = <T>(record: Record<string, T> | undefined): Record<string, T> => {
    const value = record?.[place.name];
    return value === undefined ? {} : { [place.region]: value };
  };
  return {
    ...point,
    status,
    places: own(point.places),
    sets: point.sets.map((set) =>
      set.kind === "database"
        ? { ...set, snapshots: own(set.snapshots) }
        : {
            ...set,
            volumes: set.volumes.map((volume) => ({ ...volume, snapshots: own(volume.snapshots) })),
          },
    ),
  };
}
