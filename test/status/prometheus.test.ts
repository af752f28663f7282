import { describe, expect, it } from "vitest";
import { prometheusText } from "../../bootstrap/status/prometheus.ts";
import type { EnvironmentStatus, Status } from "../../bootstrap/status/status.ts";

function anEnvironment(changes: Partial<EnvironmentStatus> = {}): EnvironmentStatus {
  return {
    environment: "shop",
    outcome: "failed",
    objectives: { rpoSeconds: 3600, rtoSeconds: 900 },
    rehearsal: {
      check: { name: "rehearsal", outcome: "passed", found: "passed" },
      last: {
        kept: "this machine",
        record: {
          version: 1,
          id: "shop-20261124t030000-ab12",
          environment: "shop",
          commit: "a",
          engine: "box",
          startedAt: "2026-11-24T03:00:00.000Z",
          verdict: "passed",
          reasons: [],
          rtoSeconds: 412.5,
          rpo: [],
          objectives: { rpoSeconds: 3600, rtoSeconds: 900 },
        },
      },
    },
    regions: [
      {
        region: "eu-central-1",
        dataSets: [
          {
            name: "db-0",
            outcome: "passed",
            rpoSeconds: 3600,
            newest: { point: "point-1", takenAt: "", ageSeconds: 1800, consistency: "application" },
            found: "",
          },
          { name: "db-1", outcome: "failed", rpoSeconds: 3600, found: "no point" },
        ],
        recovery: {
          outcome: "failed",
          checks: [
            { name: "plan", outcome: "passed", found: "" },
            { name: "keys", outcome: "failed", found: "", move: "" },
            { name: "quota of VPCs", outcome: "could-not-look", found: "" },
          ],
        },
      },
    ],
    ...changes,
  };
}

function aStatus(...environments: EnvironmentStatus[]): Status {
  return {
    version: 1,
    at: "2026-11-24T10:30:00.000Z",
    clockAheadSeconds: -3.5,
    outcome: "failed",
    environments,
  };
}

/** Reads the text format as strictly as its grammar; every sample by its name and labels. */
function parse(text: string): Map<string, number> {
  expect(text.endsWith("\n")).toBe(true);
  const samples = new Map<string, number>();
  const told = new Set<string>();
  let current: string | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S.*)$/.exec(line);
    if (help !== null) {
      current = help[1]!;
      expect(told, `${current} is told of once`).not.toContain(current);
      told.add(current);
      continue;
    }
    if (line.startsWith("#")) {
      expect(line).toBe(`# TYPE ${current} gauge`);
      continue;
    }
    const sample = /^([a-z_]+)(\{(.*)\})? (NaN|[+-]?\d+(\.\d+)?(e[+-]?\d+)?)$/.exec(line);
    expect(sample, `${line} is a sample`).not.toBeNull();
    const [, name, , labels = "", value] = sample!;
    expect(name).toBe(current);
    const pair = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"/g;
    expect(labels.replace(pair, "").replaceAll(",", "")).toBe("");
    const read = [...labels.matchAll(pair)].map(([, label, text]) => `${label}=${unescaped(text!)}`);
    const key = [name, ...read].join(" ");
    expect(samples.has(key), `${key} is there once`).toBe(false);
    samples.set(key, Number(value));
  }
  return samples;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, sign) => (sign === "n" ? "\n" : sign));
}

describe("Prometheus's text", () => {
  it("tells ages, objectives, checks and the last rehearsal", () => {
    const samples = parse(prometheusText(aStatus(anEnvironment())));
    const there = "environment=shop region=eu-central-1";
    expect(Object.fromEntries(samples)).toEqual({
      [`rekindle_recovery_point_age_seconds ${there} data_set=db-0`]: 1800,
      [`rekindle_recovery_point_info ${there} data_set=db-0 point=point-1 consistency=application`]: 1,
      [`rekindle_rpo_met ${there} data_set=db-0`]: 1,
      [`rekindle_rpo_met ${there} data_set=db-1`]: 0,
      "rekindle_rpo_seconds environment=shop": 3600,
      "rekindle_rto_seconds environment=shop": 900,
      [`rekindle_recovery_possible ${there}`]: 0,
      [`rekindle_recovery_check ${there} check=plan`]: 1,
      [`rekindle_recovery_check ${there} check=keys`]: 0,
      [`rekindle_recovery_check ${there} check=quota of VPCs`]: Number.NaN,
      "rekindle_last_rehearsal_passed environment=shop": 1,
      "rekindle_last_rehearsal_rto_seconds environment=shop": 412.5,
      "rekindle_last_rehearsal_timestamp_seconds environment=shop": Date.parse("2026-11-24T03:00:00Z") / 1000,
      rekindle_status_timestamp_seconds: Date.parse("2026-11-24T10:30:00Z") / 1000,
      rekindle_clock_ahead_seconds: -3.5,
    });
  });

  it("keeps the samples of one metric together, whatever the number of environments", () => {
    const samples = parse(prometheusText(aStatus(anEnvironment(), anEnvironment({ environment: "ledger" }))));
    expect(samples.size).toBe(28);
  });

  it("escapes what a label's value may not hold as it is", () => {
    const odd = 'a"b\\c\nd';
    const samples = parse(prometheusText(aStatus(anEnvironment({ environment: odd }))));
    expect(samples.get(`rekindle_rpo_seconds environment=${odd}`)).toBe(3600);
  });

  it("leaves out what nobody knows, rather than to say 0", () => {
    const environment = anEnvironment({
      rehearsal: { check: { name: "rehearsal", outcome: "could-not-look", found: "" } },
      regions: [],
    });
    const samples = parse(
      prometheusText({ version: 1, outcome: "could-not-look", environments: [environment] }),
    );
    expect([...samples.keys()].map((key) => key.split(" ")[0])).toEqual([
      "rekindle_rpo_seconds",
      "rekindle_rto_seconds",
      "rekindle_last_rehearsal_passed",
    ]);
    expect(samples.get("rekindle_last_rehearsal_passed environment=shop")).toBeNaN();
  });
});
