import type { Outcome, StatusCheck } from "./outcome.ts";
import type { EnvironmentStatus, Status } from "./status.ts";

/** A machine's clock that is off by more is told of. */
const tellClockSeconds = 5;

/** The status for people: one line for each thing that was looked at. */
export function statusLines({ at, clockAheadSeconds = 0, environments }: Status): string[] {
  const off = Math.abs(clockAheadSeconds);
  return [
    ...(at === undefined ? [] : [`at ${at} by AWS's clock`]),
    ...(off < tellClockSeconds
      ? []
      : [
          `this machine's clock is ${off.toFixed(0)} s ${clockAheadSeconds > 0 ? "ahead of" : "behind"} AWS's; put it right; ages here are by AWS's`,
        ]),
    ...environments.flatMap(environmentLines),
  ];
}

function environmentLines({
  environment,
  outcome,
  objectives,
  rehearsal,
  regions,
}: EnvironmentStatus): string[] {
  return [
    `${environment}: ${word(outcome)} (RPO ${objectives.rpoSeconds} s, RTO ${objectives.rtoSeconds} s)`,
    `  ${checkLine(rehearsal.check)}`,
    ...regions.flatMap(({ region, dataSets, recovery }) => [
      ...dataSets.map(
        ({ name, outcome, found }) => `  ${word(outcome)}: data of ${name} in ${region}: ${found}`,
      ),
      ...(recovery === undefined
        ? []
        : [
            `  a recovery in ${region}: ${word(recovery.outcome)}`,
            ...recovery.checks.map((check) => `    ${checkLine(check)}`),
          ]),
    ]),
  ];
}

function checkLine({ name, outcome, found, move }: StatusCheck): string {
  return `${word(outcome)}: ${name}: ${found}${move === undefined ? "" : `; ${move}`}`;
}

function word(outcome: Outcome): string {
  return { passed: "passed", failed: "FAILED", "could-not-look": "COULD NOT LOOK" }[outcome];
}
