import type { Outcome } from "./outcome.ts";
import type { EnvironmentStatus, Status } from "./status.ts";

type Labels = Record<string, string>;
interface Sample {
  labels: Labels;
  value: number;
}

/**
 * The status in Prometheus's text format, version 0.0.4. Of three outcomes one is NaN: what nobody could look at is
 * neither 1 nor 0, and an alert on `!= 1` fires for it.
 */
export function prometheusText(status: Status): string {
  const { at, clockAheadSeconds, environments } = status;
  return [
    ...gauge(
      "rekindle_recovery_point_age_seconds",
      "Age of the newest copy of a data set that a rebuild in the region could use.",
      dataSetSamples(environments, ({ newest }) => newest?.ageSeconds),
    ),
    ...gauge(
      "rekindle_recovery_point_info",
      "Which recovery point that is, and how consistent the data set is in it.",
      infoSamples(environments),
    ),
    ...gauge(
      "rekindle_rpo_met",
      "1 when that age is within the objective, 0 when it is not or there is no copy.",
      dataSetSamples(environments, ({ outcome }) => numberOf(outcome)),
    ),
    ...gauge(
      "rekindle_rpo_seconds",
      "Objective: how old the data that comes back may be.",
      each(environments, ({ objectives }) => objectives.rpoSeconds),
    ),
    ...gauge(
      "rekindle_rto_seconds",
      "Objective: how long a rebuild may take.",
      each(environments, ({ objectives }) => objectives.rtoSeconds),
    ),
    ...gauge(
      "rekindle_recovery_possible",
      "1 when every check of a rebuild in the region passed, 0 when one failed.",
      recoverySamples(environments),
    ),
    ...gauge("rekindle_recovery_check", "The same for each check by itself.", checkSamples(environments)),
    ...gauge(
      "rekindle_last_rehearsal_passed",
      "1 when the last game day passed within the objective.",
      each(environments, ({ rehearsal }) => numberOf(rehearsal.check.outcome)),
    ),
    ...gauge(
      "rekindle_last_rehearsal_rto_seconds",
      "Recovery time of the last game day.",
      each(environments, ({ rehearsal }) => rehearsal.last?.record.rtoSeconds),
    ),
    ...gauge(
      "rekindle_last_rehearsal_timestamp_seconds",
      "When the last game day began.",
      each(environments, ({ rehearsal }) => secondsOf(rehearsal.last?.record.startedAt)),
    ),
    ...gauge(
      "rekindle_status_timestamp_seconds",
      "When all of this was looked at, by AWS's clock.",
      single(secondsOf(at)),
    ),
    ...gauge(
      "rekindle_clock_ahead_seconds",
      "How far the clock of the machine that looked is ahead of AWS's.",
      single(clockAheadSeconds),
    ),
  ].join("");
}

function numberOf(outcome: Outcome): number {
  if (outcome === "could-not-look") return Number.NaN;
  return outcome === "passed" ? 1 : 0;
}

function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) / 1000;
}

function single(value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }];
}

function each(
  environments: readonly EnvironmentStatus[],
  measure: (one: EnvironmentStatus) => number | undefined,
): Sample[] {
  return environments.flatMap((one) => {
    const value = measure(one);
    return value === undefined ? [] : [{ labels: { environment: one.environment }, value }];
  });
}

type DataSet = EnvironmentStatus["regions"][number]["dataSets"][number];

function dataSetSamples(
  environments: readonly EnvironmentStatus[],
  measure: (one: DataSet) => number | undefined,
): Sample[] {
  return environments.flatMap(({ environment, regions }) =>
    regions.flatMap(({ region, dataSets }) =>
      dataSets.flatMap((one) => {
        const value = measure(one);
        return value === undefined ? [] : [{ labels: { environment, region, data_set: one.name }, value }];
      }),
    ),
  );
}

function infoSamples(environments: readonly EnvironmentStatus[]): Sample[] {
  return environments.flatMap(({ environment, regions }) =>
    regions.flatMap(({ region, dataSets }) =>
      dataSets.flatMap(({ name, newest }) =>
        newest === undefined
          ? []
          : [
              {
                labels: {
                  environment,
                  region,
                  data_set: name,
                  point: newest.point ?? "log",
                  consistency: newest.consistency,
                },
                value: 1,
              },
            ],
      ),
    ),
  );
}

function recoverySamples(environments: readonly EnvironmentStatus[]): Sample[] {
  return environments.flatMap(({ environment, regions }) =>
    regions.flatMap(({ region, recovery }) =>
      recovery === undefined ? [] : [{ labels: { environment, region }, value: numberOf(recovery.outcome) }],
    ),
  );
}

function checkSamples(environments: readonly EnvironmentStatus[]): Sample[] {
  return environments.flatMap(({ environment, regions }) =>
    regions.flatMap(({ region, recovery }) =>
      (recovery?.checks ?? []).map(({ name, outcome }) => ({
        labels: { environment, region, check: name },
        value: numberOf(outcome),
      })),
    ),
  );
}

/** A metric that nothing is known of is left out as a whole. */
function gauge(name: string, help: string, samples: readonly Sample[]): string[] {
  if (samples.length === 0) return [];
  return [
    `# HELP ${name} ${help}\n`,
    `# TYPE ${name} gauge\n`,
    ...samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`),
  ];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
