import type { Check } from "../recovery/check.ts";
import type { DataSetAge, RecoveryPlan } from "../recovery/plan.ts";
import type { ServerBoot, ServerConsole } from "./boots.ts";
import type { DataLoss } from "./rows.ts";

/** One stage of a game day. Steps follow each other without a gap, so that their times add up. */
export interface Step {
  name: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  seconds: number;
  /** Of these seconds, whose they were; the parts add up to them. */
  spent: {
    /** API time: Terraform, which mostly waits for AWS, and Rekindle's own calls and waits for AWS. */
    terraform: number;
    aws: number;
    /** Boot time: nothing but servers that came up was waited for, and none of them was at its data. */
    boot: number;
    /** Data time: the same, while one of them assembled and mounted its data volumes. */
    data: number;
    /** What was let pass on purpose. */
    passing: number;
    rekindle: number;
  };
  /** True between the fault and the last check: these steps are the RTO. */
  onTheClock: boolean;
  outcome: "passed" | "failed";
  /** The error's message and details, for a failed step. */
  error?: string[];
}

/** A call of the rebuild to the region that was lost. */
export interface LostCall {
  time: string;
  service: string;
  action: string;
  region: string;
}

/** Something that the teardown did not take away. */
export interface Leftover {
  region: string;
  kind: string;
  id: string;
}

/** The record of one game day: `report.json`. Seconds throughout; times in ISO 8601, UTC. */
export interface GameDayReport {
  version: 1;
  id: string;
  environment: string;
  commit: string;
  scenario: {
    kind: "region-lost";
    region: string;
    recoveryRegion: string;
    mode: "refused" | "timeout";
    /** What gave the instances bodies; `none` when they had none. */
    engine: string;
    /** Why no better engine ran it: one sentence each. */
    passedOver: string[];
    /** The past moment that was to come back; absent when it was the newest. */
    asOf?: string;
  };
  startedAt: string;
  /** True when nothing was torn down, and so nothing that is left was counted. */
  kept: boolean;
  /** When the region was cut off. Absent when the day failed before. */
  faultAt?: string;
  plan?: Pick<RecoveryPlan, "id" | "point" | "consistency" | "skew" | "reasons" | "passedOver"> & {
    release: string;
  };
  steps: Step[];
  checks: Check[];
  /** How each server came up, rebuilt ones or, when the day failed before, the primary's. Where instances have bodies. */
  boots: ServerBoot[];
  /** Of those servers that did not. */
  consoles: ServerConsole[];
  /** Age, at the moment of the fault or at the past moment that was wanted, of the data that came back. */
  rpo: DataSetAge[];
  /** The same by the rows that clients wrote and read; only where instances have bodies. */
  data?: DataLoss;
  /** Sum of the steps on the clock; absent when they did not all pass. */
  rtoSeconds?: number;
  /** The same, by whose it was; of the steps on the clock however far they came. The parts add up. */
  rtoSpent: Step["spent"];
  objectives: { rpoSeconds: number; rtoSeconds: number };
  verdict: "passed" | "failed";
  /** Why it failed: one sentence each. */
  reasons: string[];
  /** Absent when they were not counted: the day failed before the fault, or the gateway did not answer. */
  lostCalls?: LostCall[];
  /** Absent when nothing was counted: the day was kept, or its AWS did not answer. */
  leftovers?: Leftover[];
  /** Of all seconds: in Rekindle itself, not in Terraform, AWS or time that was let pass. */
  overheadShare: number;
  /** What this day does not prove, since its AWS was an emulator. */
  limits: string[];
}
