import type { PassedOver } from "./plan.ts";
import { databaseSet, isCompleteIn, type RecoveryPoint, volumeSet } from "./point.ts";

/** What the user wants back: the newest there is, the newest before a moment, or one point by name. */
export type Wish = { kind: "newest" } | { kind: "as-of"; moment: string } | { kind: "point"; id: string };

/** What every data set of the environment is called, so that a point that lacks one is noticed. */
export interface Expected {
  region: string;
  /** When it is looked at: a thaw lasts for a time. ISO 8601, UTC. */
  now?: string;
  /** Server → names of its volumes. */
  servers: Readonly<Record<string, readonly string[]>>;
  databases: readonly string[];
  /** What else speaks against a point that has all of this. */
  against?: (point: RecoveryPoint) => string[];
}

export type Choice =
  | { kind: "chosen"; point: RecoveryPoint; passedOver: PassedOver[] }
  | { kind: "none"; reasons: string[] };

/** Chooses the newest point that the wish allows and that can be rebuilt from in the region. Says why not the others. */
export function choosePoint(points: readonly RecoveryPoint[], wish: Wish, expected: Expected): Choice {
  // Of two of the same moment, the one that was begun later.
  const newestFirst = [...points].sort(
    (a, b) => b.takenAt.localeCompare(a.takenAt) || b.id.localeCompare(a.id),
  );
  const passedOver: PassedOver[] = [];
  for (const point of newestFirst) {
    const reasons = whyNot(point, wish, expected);
    if (reasons.length === 0) return { kind: "chosen", point, passedOver };
    passedOver.push({ point: point.id, takenAt: point.takenAt, reasons });
  }
  return { kind: "none", reasons: explainNone(passedOver, wish, expected.region) };
}

/** Why a point is not to be rebuilt from; empty for one that is. */
export function whyNot(point: RecoveryPoint, wish: Wish, expected: Expected): string[] {
  const faults = [...unwanted(point, wish), ...unusable(point, expected)];
  return faults.length > 0 ? faults : (expected.against?.(point) ?? []);
}

function unwanted(point: RecoveryPoint, wish: Wish): string[] {
  if (wish.kind === "as-of" && point.takenAt > wish.moment)
    return [`taken at ${point.takenAt}, after ${wish.moment}`];
  if (wish.kind === "point" && point.id !== wish.id) return [`not the point that was asked for, ${wish.id}`];
  return [];
}

const whyNotComplete = {
  pending: "pending: its snapshot command has not finished",
  incomplete: "incomplete",
  removing: "removing: a prune has begun to remove it",
};

function unusable(point: RecoveryPoint, expected: Expected): string[] {
  if (!isCompleteIn(point, expected.region)) {
    const lacks = point.places?.[expected.region] ?? [];
    const why = point.status === "complete" ? "incomplete" : point.status;
    return [whyNotComplete[why], ...point.faults, ...(lacks === "complete" ? [] : lacks)];
  }
  return [
    ...coldVolumes(point, expected),
    ...missingVolumes(point, expected),
    ...missingDatabases(point, expected),
  ];
}

function coldVolumes(point: RecoveryPoint, { now }: Expected): string[] {
  if (!isCold(point, now)) return [];
  const { id, archived } = point;
  return [`its snapshots lie in the archive tier since ${archived?.since}; thaw them: rekindle thaw ${id}`];
}

/** True when no volume can be made of its snapshots now. */
export function isCold({ archived }: RecoveryPoint, now = ""): boolean {
  return archived !== undefined && !(now !== "" && now < (archived.readableUntil ?? ""));
}

function missingVolumes(point: RecoveryPoint, { region, servers }: Expected): string[] {
  return Object.entries(servers).flatMap(([server, volumes]) => {
    const set = volumeSet(point, server);
    return volumes.flatMap((name) => {
      const volume = set?.volumes.find((candidate) => candidate.name === name);
      if (volume === undefined) return [`has no snapshot of ${server}'s volume ${name}`];
      return volume.snapshots[region] === undefined
        ? [`has no copy of ${server}'s volume ${name} in ${region}`]
        : [];
    });
  });
}

function missingDatabases(point: RecoveryPoint, { region, databases }: Expected): string[] {
  return databases.flatMap((name) => {
    const set = databaseSet(point, name);
    if (set === undefined) return [`has no snapshot of database ${name}`];
    return set.snapshots[region] === undefined ? [`has no copy of database ${name} in ${region}`] : [];
  });
}

function explainNone(passedOver: readonly PassedOver[], wish: Wish, region: string): string[] {
  if (passedOver.length === 0)
    return [`there is no recovery point in ${region}; take one: rekindle snapshot`];
  return [
    `${whatIsLacking(passedOver, wish)} in ${region}; these exist:`,
    ...passedOver.map(
      ({ point, takenAt, reasons }) => `${point}, taken at ${takenAt}: ${reasons.join("; ")}`,
    ),
  ];
}

function whatIsLacking(passedOver: readonly PassedOver[], wish: Wish): string {
  switch (wish.kind) {
    case "newest":
      return "no point is complete";
    case "as-of":
      return `no complete point is as old as ${wish.moment}`;
    case "point":
      return passedOver.some(({ point }) => point === wish.id)
        ? `point ${wish.id} can't be used`
        : `there is no point ${JSON.stringify(wish.id)}`;
  }
}
