import { durationSeconds } from "../config/duration.ts";
import type { Topology } from "../config/schema.ts";
import type { Check } from "../recovery/check.ts";
import type { RecoveryPlan } from "../recovery/plan.ts";
import { expectedData } from "../recovery/resolve.ts";
import { dataSpans, type ServerBoot, type ServerConsole } from "./boots.ts";
import type { GameDayReport, Leftover, LostCall, Step } from "./report.ts";
import type { DataLoss } from "./rows.ts";
import { spentOnTheClock, withDataTime } from "./spent.ts";
import { judge, overheadShare } from "./verdict.ts";

/** What was known of a day before it began. */
export interface Day {
  id: string;
  topology: Topology;
  commit: string;
  mode: GameDayReport["scenario"]["mode"];
  engine: string;
  passedOver: string[];
  keep: boolean;
  startedAt: string;
}

/** What the day has learned so far: the report is made of it, whatever happens. */
export interface Learned {
  faultAt?: string;
  /** The moment that is to come back, of a day to a past one. */
  asOf?: string;
  plan?: RecoveryPlan;
  checks: Check[];
  /** How servers came up; absent when none were waited for. */
  boots?: ServerBoot[];
  /** Of those that did not. */
  consoles?: ServerConsole[];
  /** Rows that clients wrote, and what became of them. */
  data?: DataLoss;
  /** The parameters that were made for the day's servers. */
  parameters?: string[];
  lostCalls?: LostCall[];
  leftovers?: Leftover[];
  limits: string[];
}

/** The report of a day, however far it came. */
export function assembleReport(day: Day, journaled: readonly Step[], learned: Learned): GameDayReport {
  const { environment } = day.topology;
  const objectives = objectivesOf(day.topology);
  const { plan, faultAt, asOf } = learned;
  // Age at the fault, not at the plan: what was written between the snapshot and the fault is what was lost. Of a day to
  // a past moment, age at that moment.
  const rpo = (plan?.dataSets ?? []).map(({ name, takenAt }) => ({
    name,
    takenAt,
    rpoSeconds: (Date.parse(asOf ?? faultAt!) - Date.parse(takenAt)) / 1000,
  }));
  const steps = withDataTime(journaled, dataSpans(learned.boots ?? []));
  const expected = expectedData(day.topology, environment.regions.recovery);
  const dataSets = [...Object.keys(expected.servers), ...expected.databases];
  return {
    version: 1,
    id: day.id,
    environment: environment.name,
    commit: day.commit,
    scenario: {
      kind: "region-lost",
      region: environment.regions.primary,
      recoveryRegion: environment.regions.recovery,
      mode: day.mode,
      engine: day.engine,
      passedOver: day.passedOver,
      ...(asOf === undefined ? {} : { asOf }),
    },
    startedAt: day.startedAt,
    kept: day.keep,
    ...(faultAt === undefined ? {} : { faultAt }),
    ...(plan === undefined ? {} : { plan: summarize(plan) }),
    steps,
    checks: learned.checks,
    boots: learned.boots ?? [],
    consoles: learned.consoles ?? [],
    rpo,
    ...(learned.data === undefined ? {} : { data: learned.data }),
    objectives,
    ...judge({ ...learned, kept: day.keep, steps, rpo, objectives, dataSets }),
    rtoSpent: spentOnTheClock(steps),
    ...(learned.lostCalls === undefined ? {} : { lostCalls: learned.lostCalls }),
    ...(learned.leftovers === undefined ? {} : { leftovers: learned.leftovers }),
    overheadShare: overheadShare(steps),
    limits: learned.limits,
  };
}

export function objectivesOf({ environment: { objectives } }: Topology): GameDayReport["objectives"] {
  return { rpoSeconds: durationSeconds(objectives.rpo), rtoSeconds: durationSeconds(objectives.rto) };
}

function summarize({
  id,
  point,
  consistency,
  reasons,
  passedOver,
  pins,
  skew,
}: RecoveryPlan): NonNullable<GameDayReport["plan"]> {
  return {
    id,
    ...(point === undefined ? {} : { point }),
    ...(consistency === undefined ? {} : { consistency }),
    ...(skew === undefined ? {} : { skew }),
    reasons,
    passedOver,
    release: pins.release.release,
  };
}
