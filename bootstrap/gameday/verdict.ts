import type { Check } from "../recovery/check.ts";
import type { DataSetAge } from "../recovery/plan.ts";
import type { GameDayReport, Leftover, LostCall, Step } from "./report.ts";

/** What was seen, from which the verdict follows and nothing else. */
export interface Findings {
  steps: readonly Step[];
  checks: readonly Check[];
  rpo: readonly DataSetAge[];
  objectives: GameDayReport["objectives"];
  /** None when they could not be counted, which is not the same as zero. */
  lostCalls?: readonly LostCall[];
  leftovers?: readonly Leftover[];
  /** True when leaving everything was wished for. */
  kept: boolean;
  /** Data sets that should have come back. */
  dataSets: readonly string[];
}

/** Judges a game day. Passed only when every step, check and objective was seen to hold. */
export function judge(findings: Findings): Pick<GameDayReport, "verdict" | "reasons" | "rtoSeconds"> {
  const rtoSeconds = recoveryTime(findings.steps);
  const reasons = [
    ...findings.steps
      .filter(({ outcome }) => outcome === "failed")
      .map(({ name, error }) => `step ${name} failed: ${error?.slice(0, 2).join(": ") || "no reason given"}`),
    ...(rtoSeconds === undefined
      ? ["the rebuild was not finished, so there is no RTO"]
      : overObjective(rtoSeconds, findings.objectives)),
    ...(findings.checks.length === 0 ? ["nothing was verified"] : []),
    ...findings.checks
      .filter(({ passed }) => !passed)
      .map(({ name, expected, found }) => `check ${name}: expected ${expected}, found ${found}`),
    ...missingData(findings),
    ...callsToLostRegion(findings),
    ...leftBehind(findings),
  ];
  return {
    verdict: reasons.length === 0 ? "passed" : "failed",
    reasons,
    ...(rtoSeconds === undefined ? {} : { rtoSeconds }),
  };
}

/** The sum of the steps on the clock, to the millisecond; nothing when one failed, or none ran. */
export function recoveryTime(steps: readonly Step[]): number | undefined {
  const clocked = steps.filter(({ onTheClock }) => onTheClock);
  if (!clocked.some(({ name }) => name === "verify") || clocked.some(({ outcome }) => outcome === "failed"))
    return undefined;
  return sum(clocked.map(({ seconds }) => seconds));
}

/** Rekindle's own share of all the day's time: what was neither in Terraform, in AWS nor let pass. */
export function overheadShare(steps: readonly Step[]): number {
  const own = sum(steps.map(({ spent }) => spent.rekindle));
  const all = sum(steps.map(({ seconds }) => seconds));
  return all === 0 ? 0 : Number((own / all).toFixed(4));
}

function overObjective(rto: number, objectives: GameDayReport["objectives"]): string[] {
  return rto <= objectives.rtoSeconds
    ? []
    : [`the RTO of ${rto} s is over the objective of ${objectives.rtoSeconds} s`];
}

function missingData({ rpo, dataSets, objectives }: Findings): string[] {
  return dataSets.flatMap((name) => {
    const age = rpo.find((candidate) => candidate.name === name);
    if (age === undefined) return [`data of ${name} did not come back`];
    return age.rpoSeconds <= objectives.rpoSeconds
      ? []
      : [`the RPO of ${name}, ${age.rpoSeconds} s, is over the objective of ${objectives.rpoSeconds} s`];
  });
}

function callsToLostRegion({ lostCalls }: Findings): string[] {
  if (lostCalls === undefined) return ["calls of the rebuild to the lost region were not counted"];
  if (lostCalls.length === 0) return [];
  return [
    `the rebuild called the lost region ${lostCalls.length} times, first ${describeCall(lostCalls[0]!)}`,
  ];
}

function leftBehind({ leftovers, kept }: Findings): string[] {
  if (leftovers === undefined) return kept ? [] : ["what the teardown left was not counted"];
  return leftovers.map(({ kind, id, region }) => `${kind} ${id} was left in ${region}`);
}

function describeCall({ service, action, region }: LostCall): string {
  return `${service} ${action} in ${region}`;
}

function sum(seconds: readonly number[]): number {
  return Number(seconds.reduce((total, one) => total + one, 0).toFixed(3));
}
