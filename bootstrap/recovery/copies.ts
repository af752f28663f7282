import { tags } from "../config/names.ts";
import type { Place } from "../config/places.ts";
import type { Completeness, RecoveryPoint } from "./point.ts";

/** One snapshot of a point. `snapshots` is the point's own record of where copies of it are, and is kept up there. */
export interface Part {
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

/** Every snapshot that a point consists of. */
export function partsOf(point: RecoveryPoint): Part[] {
  return point.sets.flatMap((set): Part[] => {
    if (set.kind === "database") {
      const { database, snapshots } = set;
      return [{ kind: "database", name: `database ${database}`, role: database, snapshots }];
    }
    const { server, role } = set;
    return set.volumes.map(({ name, sizeGiB, snapshots }) => ({
      kind: "volume",
      name: `volume ${name} of ${server}`,
      role,
      server,
      volume: name,
      sizeGiB,
      snapshots,
    }));
  });
}

/** What every snapshot of a part is tagged with, wherever it is: an interrupted copy is found by it. */
export function pointLabel(
  point: RecoveryPoint,
  { role, server, volume }: Pick<Part, "role" | "server" | "volume">,
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
export function sourcesFor(part: Part, to: Place, places: readonly Place[]): Place[] {
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
 * Points whose copies an interrupted command left unfinished, the newest first. Older ones than the newest complete one
 * are worth finishing only to somebody who names them.
 */
export function unfinished(points: readonly RecoveryPoint[]): RecoveryPoint[] {
  const newestFirst = [...points].sort((a, b) => b.takenAt.localeCompare(a.takenAt));
  const complete = newestFirst.findIndex(({ status }) => status === "complete");
  return (complete < 0 ? newestFirst : newestFirst.slice(0, complete)).filter(canBeFinished);
}

/** What was missed while a point was taken, no copy can bring. */
export function canBeFinished({ status, faults, sets }: RecoveryPoint): boolean {
  return status !== "complete" && faults.length === 0 && sets.length > 0;
}

/** The point as a vault's own catalog has it: its snapshots are those of the region there, and it knows no others. */
export function asSeenFrom(point: RecoveryPoint, place: Place): RecoveryPoint {
  if (place.name === place.region) return point;
  const own = <T>(record: Record<string, T> | undefined): Record<string, T> => {
    const value = record?.[place.name];
    return value === undefined ? {} : { [place.region]: value };
  };
  const state: Completeness | undefined = point.places?.[place.name];
  return {
    ...point,
    status: state === undefined ? "pending" : outcomeOf(point, [place.name]),
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
