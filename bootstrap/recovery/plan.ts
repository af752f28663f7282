import type { Pins } from "./pins.ts";
import type { PlannedDump } from "./planned-dumps.ts";
import type { Consistency } from "./point.ts";
import type { Skew } from "./skew.ts";

/** One data set's age at the moment of the plan. */
export interface DataSetAge {
  name: string;
  takenAt: string;
  /** Seconds between `takenAt` and the moment that the plan recovers from. */
  rpoSeconds: number;
}

/** A newer point that was not chosen, and why. */
export interface PassedOver {
  point: string;
  takenAt: string;
  reasons: string[];
}

/**
 * Every pin that one rebuild needs, resolved for one region and one moment.
 * `catalog/plans/<id>.json`, and `catalog/pinned-plan.json` for the one that deploys.
 */
export interface RecoveryPlan {
  version: 1;
  id: string;
  environment: string;
  region: string;
  /** When the plan was made. ISO 8601, UTC. */
  createdAt: string;
  /** The moment that the user wants back; the newest when absent. */
  asOf?: string;
  /** The recovery point; absent when none of its data sets is needed. */
  point?: string;
  consistency?: Consistency;
  dataSets: DataSetAge[];
  /** How far apart the data sets lie; absent when there are not two. */
  skew?: Skew;
  /** What `dumps` of the environment names; absent when it names none. */
  dumps?: PlannedDump[];
  reasons: string[];
  passedOver: PassedOver[];
  pins: Pins;
}

/**
 * The plan that `recovery-stack` deploys, until another is asked for: `catalog/pinned-plan.json`.
 * One that synthesis pinned by itself gives way to a newer one as long as nothing is deployed from it.
 */
export interface PinnedPlan {
  version: 1;
  pinnedBy: "request" | "synthesis";
  plan: RecoveryPlan;
}
