import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Topology } from "../config/schema.ts";
import type { DatabaseBackups } from "../edges/aws/database-backups.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { Clock } from "../edges/clock.ts";
import { serviceTime } from "../edges/service-time.ts";
import { RekindleError } from "../errors.ts";
import { encodeJson } from "../json.ts";
import type { Wish } from "../recovery/choose.ts";
import type { PinnedPlan } from "../recovery/plan.ts";
import { type RegionNow, resolvePlan, resolvePrimary } from "../recovery/resolve.ts";
import type { Resolved, SynthesisInput } from "../recovery/synthesis.ts";
import { uncovered } from "../recovery/uncovered.ts";
import { lookAround, refuseRemoved } from "./plan.ts";

const newest: Wish = { kind: "newest" };

export interface SynthesisContext {
  topology: Topology;
  /** The recovery region's. */
  catalog: Catalog;
  /** Of the same region. */
  backups: DatabaseBackups;
  /** True when `recovery-stack`'s state holds resources: then its plan must not move by itself. */
  recoveryDeployed(): Promise<boolean>;
  clock: Clock;
  print(line: string): void;
}

/**
 * Resolves what the stacks are synthesized from. Never fails for want of a plan, since the foundation must deploy
 * before there can be one: a stack without pins gets the reasons instead, and refuses to deploy with them.
 */
export async function synthesisInput(context: SynthesisContext): Promise<SynthesisInput> {
  const { topology } = context;
  try {
    await context.catalog.store.inspect();
    const now = (await serviceTime(context.catalog.store, context.clock)).toISOString();
    const around = await lookAround(context, newest, now);
    return {
      version: 1,
      topology,
      primary: resolvePrimary(topology, around.contents),
      recovery: await resolveRecovery(context, around, now),
    };
  } catch (error) {
    // "Could not look" must not read as "not there": the reason is the error's own.
    const reasons = [(error as Error).message, ...(error instanceof RekindleError ? error.details : [])];
    return {
      version: 1,
      topology,
      primary: { kind: "refused", reasons },
      recovery: { kind: "refused", reasons },
    };
  }
}

/** Writes the input whole or not at all. */
export async function writeSynthesisInput(path: string, input: SynthesisInput): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, encodeJson(input));
  await rename(draft, path);
}

async function resolveRecovery(context: SynthesisContext, around: RegionNow, now: string): Promise<Resolved> {
  const { topology, catalog, print } = context;
  const pinned = await catalog.pinnedPlan();
  if (pinned !== undefined && (await staysPinned(context, pinned))) {
    print(`recovery-stack: ${describePinned(pinned)}`);
    const missing = uncovered(topology, pinned.plan.pins);
    if (missing.length === 0) return { kind: "pinned", pins: pinned.plan.pins };
    const reasons = missing.map((what) => `the pinned plan ${pinned.plan.id} has ${what}`);
    return { kind: "refused", reasons: [...reasons, "ask for another plan: rekindle plan"] };
  }
  const planned = resolvePlan({ topology, region: catalog.store.region, wish: newest, now, ...around });
  if (planned.kind === "refused") return planned;
  await catalog.writePlan(planned.plan);
  await catalog.pinPlan({ version: 1, pinnedBy: "synthesis", plan: planned.plan });
  await refuseRemoved(catalog, planned.plan);
  print(
    `recovery-stack: plan ${planned.plan.id} made and pinned, from ${planned.plan.point ?? "no recovery point"}`,
  );
  return { kind: "pinned", pins: planned.plan.pins };
}

/** What nobody asked for and nothing was deployed from is only a leftover of an earlier look. */
async function staysPinned(context: SynthesisContext, pinned: PinnedPlan): Promise<boolean> {
  return pinned.pinnedBy === "request" || (await context.recoveryDeployed());
}

function describePinned({ plan, pinnedBy }: PinnedPlan): string {
  const why = pinnedBy === "request" ? "it was asked for" : "it is deployed";
  return `plan ${plan.id} stays pinned, since ${why}, from ${plan.point ?? "no recovery point"}; for a newer one: rekindle plan`;
}
