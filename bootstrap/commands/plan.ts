import type { Topology } from "../config/schema.ts";
import type { Account } from "../edges/aws/account.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { Clock } from "../edges/clock.ts";
import { serviceTime } from "../edges/service-time.ts";
import { RekindleError } from "../errors.ts";
import { isCold, type Wish, whyNot } from "../recovery/choose.ts";
import type { RecoveryPlan } from "../recovery/plan.ts";
import { expectedData, resolvePlan } from "../recovery/resolve.ts";

export interface PlanContext {
  topology: Topology;
  /** Where to rebuild: everything is looked up there and nowhere else. */
  catalog: Catalog;
  /** Where synthesis looks for the pinned plan: beside Terraform's state. */
  pinTo: Catalog;
  /** True when `recovery-stack`'s state holds resources. */
  recoveryDeployed(): Promise<boolean>;
  account: Account;
  wish: Wish;
  clock: Clock;
}

/** Resolves a plan and pins it: the next deployment of `recovery-stack` uses it. Asks no region but the catalog's. */
export async function makePlan(context: PlanContext): Promise<RecoveryPlan> {
  const { topology, catalog, wish, clock } = context;
  await context.account.demand(topology.environment.account, catalog.store.region);
  await catalog.store.inspect();
  const { region } = catalog.store;
  const now = (await serviceTime(catalog.store, clock)).toISOString();
  const expected = { ...expectedData(topology, region), now };
  const contents = await catalog.contents(wish, (point) => whyNot(point, wish, expected));
  const planned = resolvePlan({ topology, region, wish, now, contents });
  if (planned.kind === "refused") {
    throw new RekindleError("no-recovery-point", `nothing to rebuild ${topology.environment.name} from`, {
      details: planned.reasons,
    });
  }
  await refuseToMove(context);
  await catalog.writePlan(planned.plan);
  await context.pinTo.pinPlan({ version: 1, pinnedBy: "request", plan: planned.plan });
  await refuseRemoved(catalog, planned.plan);
  return planned.plan;
}

/**
 * A prune marks what it removes and then looks for pins; a plan pins what it needs and then looks for marks. So one of
 * the two sees the other, and neither has to wait: on the worst day a lock that somebody left must hold up nobody.
 */
export async function refuseRemoved(
  catalog: Catalog,
  { id, point, pins, createdAt }: RecoveryPlan,
): Promise<void> {
  const recipes = new Set(Object.values(pins.roles).map(({ recipe }) => recipe));
  const images = await Promise.all([...recipes].map((recipe) => catalog.image(recipe)));
  const found = point === undefined ? undefined : await catalog.point(point);
  const isUsable = found !== undefined && found.status !== "removing" && !isCold(found, createdAt);
  if ((point === undefined || isUsable) && images.every((image) => image !== undefined)) return;
  throw new RekindleError(
    "no-recovery-point",
    `a prune has just taken away what plan ${id} needs; plan again: rekindle plan`,
  );
}

/** One state knows one region: in another, Terraform would take all that it deployed for gone, and forget it. */
async function refuseToMove({ catalog, pinTo, recoveryDeployed }: PlanContext): Promise<void> {
  const pinned = await pinTo.pinnedPlan();
  const { region } = catalog.store;
  if (pinned === undefined || pinned.plan.region === region || !(await recoveryDeployed())) return;
  throw new RekindleError(
    "refused",
    `recovery-stack is deployed in ${pinned.plan.region} and can't move to ${region}; ` +
      "take it away first: npx cdktf destroy recovery-stack",
  );
}

/** A plan for people: what comes back, from when, and why not newer. */
export function describePlan(plan: RecoveryPlan): string[] {
  return [
    `plan ${plan.id} for ${plan.environment} in ${plan.region}`,
    ...plan.reasons.map((reason) => `  ${reason}`),
    ...(plan.consistency === undefined ? [] : [`  consistency: ${plan.consistency}`]),
    ...plan.dataSets.map(
      ({ name, takenAt, rpoSeconds }) => `  data of ${name}: from ${takenAt}, RPO ${rpoSeconds.toFixed(1)} s`,
    ),
    ...Object.entries(plan.pins.roles).map(
      ([role, { imageId, recipe }]) => `  image of ${role}: ${imageId} (recipe ${recipe.slice(0, 12)})`,
    ),
    ...plan.passedOver.map(({ point, reasons }) => `  passed over ${point}: ${reasons.join("; ")}`),
  ];
}
