import { type DataSet, isCompleteIn, type Observation, type RecoveryPoint, setName } from "./point.ts";

/** A recovery point for people: what each data set is worth, and what was seen of it. */
export function describePoint(point: RecoveryPoint): string[] {
  return [
    `recovery point ${point.id} is ${point.status}, ${point.consistency} consistent, ${count(point.sets.length, "data set")}`,
    ...point.sets.flatMap(describeSet),
  ];
}

/** One among others: where a rebuild could take it, and what speaks against that elsewhere. */
export function pointLines(point: RecoveryPoint): string[] {
  const { id, status, takenAt, consistency, sets, places = {}, faults } = point;
  const complete = Object.keys(places).filter((place) => isCompleteIn(point, place));
  const where = complete.length === 0 ? "" : `, complete in ${complete.join(", ")}`;
  return [
    `${id}: ${status}, taken at ${takenAt}, ${consistency} consistent, ${sets.map(setName).join(", ") || "no data"}${where}`,
    ...faults.map((fault) => `  ${fault}`),
    ...Object.entries(places).flatMap(([place, lacks]) =>
      lacks === "complete" ? [] : lacks.map((lack) => `  not complete in ${place}: ${lack}`),
    ),
    ...(point.archived === undefined
      ? []
      : [`  in the archive tier since ${point.archived.since}: rekindle thaw ${id}`]),
  ];
}

function describeSet(set: DataSet): string[] {
  const { observed } = set;
  const source = set.kind === "volumes" && set.takenOf !== undefined ? `, taken of ${set.takenOf}` : "";
  const { position } = observed;
  const details = [
    `${observed.label} consistent${source}`,
    `from ${set.takenAt}`,
    ...frozenFor(observed),
    ...(position === undefined ? [] : [`at ${position}`]),
  ];
  return [
    `  ${setName(set)}: ${details.join(", ")}`,
    ...observed.reasons.map((reason) => `    no better, since ${reason}`),
    ...observed.ran.map(
      ({ what, exitCode, startedAt, endedAt }) =>
        `    ${what}: ${exitCode === 0 ? "done" : `exit code ${exitCode}`} in ${seconds(startedAt, endedAt)} s`,
    ),
    ...(observed.notes ?? []).map((note) => `    ${note}`),
    ...describeLayout(set),
  ];
}

function frozenFor({ frozen }: Observation): string[] {
  return frozen === undefined ? [] : [`quiet for ${seconds(frozen.from, frozen.until)} s`];
}

function describeLayout(set: DataSet): string[] {
  if (set.kind !== "volumes" || set.layout === undefined || set.layout.kind === "single") return [];
  const { kind, name, uuid, stripeKiB, members } = set.layout;
  return [`    ${kind} ${name} (${uuid}) of ${members.join(", ")}, stripes of ${stripeKiB} KiB`];
}

function seconds(from: string, until: string): string {
  return ((Date.parse(until) - Date.parse(from)) / 1000).toFixed(2);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
