import { primaryDatabases } from "../config/databases.ts";
import type { Topology } from "../config/schema.ts";
import type { DumpWish } from "../dump/choose.ts";
import type { Account } from "../edges/aws/account.ts";
import type { DatabaseBackups } from "../edges/aws/database-backups.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { Clock } from "../edges/clock.ts";
import { serviceTime } from "../edges/service-time.ts";
import { RekindleError } from "../errors.ts";
import { isCold, type Wish, whyNot } from "../recovery/choose.ts";
import type { RecoveryPlan } from "../recovery/plan.ts";
import type { PlannedDump } from "../recovery/planned-dumps.ts";
import { dumpWish, type RegionNow, resolvePlan, wantedOfPoint } from "../recovery/resolve.ts";
import { describeSkew } from "../recovery/skew.ts";

export interface PlanContext {
  topology: Topology;
  /** Where to rebuild: everything is looked up there and nowhere else. */
  catalog: Catalog;
  /** Of the same region. */
  backups: DatabaseBackups;
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
  const around = await lookAround(context, wish, now);
  const planned = resolvePlan({ topology, region, wish, now, ...around });
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

/** Everything that a plan is resolved from, as one region tells it. */
export async function lookAround(
  { topology, catalog, backups }: Pick<PlanContext, "topology" | "catalog" | "backups">,
  wish: Wish,
  now: string,
): Promise<RegionNow> {
  const [restorable, liveThen] = await Promise.all([
    backups.restorable(primaryDatabases(topology.environment)),
    wish.kind === "as-of" ? catalog.releaseAt(wish.moment) : undefined,
  ]);
  const wanted = wantedOfPoint({ topology, region: catalog.store.region, wish, now, restorable });
  const contents = await catalog.contents(wish, (point) => whyNot(point, wish, wanted));
  const point = contents.points.find(({ id }) => wish.kind === "point" && id === wish.id);
  const dumps = await newestDumps(catalog, Object.keys(topology.environment.dumps), dumpWish(wish, point));
  if (liveThen === undefined) return { contents, restorable, dumps };
  const found = await catalog.manifest(liveThen);
  const manifests = { ...contents.manifests, ...(found && { [liveThen]: found }) };
  return { contents: { ...contents, manifests }, restorable, dumps, liveThen };
}

/** Name → its dumps up to the newest that can be restored. */
async function newestDumps(
  catalog: Catalog,
  names: readonly string[],
  wish: DumpWish,
): Promise<NonNullable<RegionNow["dumps"]>> {
  const found = names.map(async (name) => [name, await catalog.dumpsUpTo(name, wish)] as const);
  return Object.fromEntries(await Promise.all(found));
}

/**
 * A prune marks what it removes and then looks for pins; a plan pins what it needs and then looks for marks. So one of
 * the two sees the other, and neither has to wait: on the worst day a lock that somebody left must hold up nobody.
 */
export async function refuseRemoved(
  catalog: Catalog,
  { id, point, pins, createdAt, dumps = [] }: RecoveryPlan,
): Promise<void> {
  const recipes = new Set(Object.values(pins.roles).map(({ recipe }) => recipe));
  const images = await Promise.all([...recipes].map((recipe) => catalog.image(recipe)));
  const chosen = dumps.flatMap((one) => (one.kind === "chosen" ? [one.dump] : []));
  const pinned = await Promise.all(chosen.map((dump) => catalog.dump(dump)));
  const haveDumps = pinned.every((dump) => dump?.status === "complete");
  const found = point === undefined ? undefined : await catalog.point(point);
  const isUsable = found !== undefined && found.status !== "removing" && !isCold(found, createdAt);
  if ((point === undefined || isUsable) && images.every((image) => image !== undefined) && haveDumps) return;
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
  // Of a moment that is still to come, ages are counted from now.
  const isPast = plan.asOf !== undefined && plan.asOf <= plan.createdAt;
  const since = isPast ? "before that moment by" : "RPO";
  return [
    `plan ${plan.id} for ${plan.environment} in ${plan.region}${plan.asOf === undefined ? "" : ` as of ${plan.asOf}`}`,
    ...plan.reasons.map((reason) => `  ${reason}`),
    ...(plan.consistency === undefined ? [] : [`  consistency: ${plan.consistency}`]),
    ...plan.dataSets.map(
      ({ name, takenAt, rpoSeconds }) =>
        `  data of ${name}: from ${takenAt}, ${since} ${rpoSeconds.toFixed(1)} s`,
    ),
    ...(plan.skew === undefined ? [] : [`  skew: ${describeSkew(plan.skew)}`]),
    ...Object.entries(plan.pins.roles).map(
      ([role, { imageId, recipe }]) => `  image of ${role}: ${imageId} (recipe ${recipe.slice(0, 12)})`,
    ),
    ...(plan.dumps ?? []).flatMap((one) => describeDump(one, since)),
    ...plan.passedOver.map(({ point, reasons }) => `  passed over ${point}: ${reasons.join("; ")}`),
  ];
}

/** No stack restores a dump: that is left to whoever rebuilds, who is told how. */
function describeDump(one: PlannedDump, since: string): string[] {
  if (one.kind === "none") return [`  no dump of ${one.name}: ${one.reasons.join("; ")}`];
  const { name, dump, takenAt, rpoSeconds, passedOver } = one;
  return [
    `  dump of ${name}: from ${takenAt}, ${since} ${rpoSeconds.toFixed(1)} s; after the rebuild: rekindle restore dump ${dump} --to <its server>`,
    ...passedOver.map((reason) => `  passed over ${reason}`),
  ];
}
