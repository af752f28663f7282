import { primaryDatabases } from "../config/databases.ts";
import { durationSeconds } from "../config/duration.ts";
import type { Topology } from "../config/schema.ts";
import type { ObjectStore } from "../edges/aws/objects.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { Clock } from "../edges/clock.ts";
import { serviceTime } from "../edges/service-time.ts";
import { objectivesOf } from "../gameday/assemble.ts";
import type { GameDayRecord } from "../gameday/record.ts";
import { whyNot } from "../recovery/choose.ts";
import type { RecoveryPoint } from "../recovery/point.ts";
import { pointsInTime } from "../recovery/points-in-time.ts";
import { expectedData, wantedOfPoint } from "../recovery/resolve.ts";
import { type DataSetStatus, dataSetStatuses } from "../status/data-sets.ts";
import { dumpStatus } from "../status/dumps.ts";
import { type Looked, worst } from "../status/outcome.ts";
import { type LastRehearsal, lastRehearsal, rehearsalCheck } from "../status/rehearsal.ts";
import { type EnvironmentStatus, environmentOutcome, type RegionStatus } from "../status/status.ts";
import { look, lookOn } from "./look.ts";
import { recoveryStatus } from "./status-recovery.ts";
import type { StatusRegion } from "./status-region.ts";

export interface StatusContext {
  topology: Topology;
  /** They share nothing: one that is lost hides nothing of another. */
  regions: readonly StatusRegion[];
  /** Where one would rebuild. */
  rebuildIn: string;
  /** The bucket of Terraform's state. */
  state: ObjectStore;
  /** The last game day that this machine knows. */
  rehearsedHere(): Promise<GameDayRecord | undefined>;
  clock: Clock;
}

const newest = { kind: "newest" } as const;

/** The moment by AWS's clock, and how far this machine's is ahead of it. */
export interface Told {
  now: string;
  aheadSeconds: number;
}

/** How old an environment's data is, and whether it could be rebuilt now. Changes nothing. */
export async function environmentStatus(
  context: StatusContext,
): Promise<{ told: Looked<Told>; status: EnvironmentStatus }> {
  const { topology, regions, clock } = context;
  const objectives = objectivesOf(topology);
  const times = await Promise.all(regions.map(({ catalog }) => timeBy(catalog, clock)));
  const told = times.find(({ kind }) => kind === "seen") ?? times[0]!;
  const [looked, last] = await Promise.all([
    Promise.all(regions.map((region) => regionStatus(context, region, told))),
    rehearsals(context),
  ]);
  const rehearsal = {
    check: rehearsalCheck(last, objectives),
    ...(last.kind === "seen" && last.value !== undefined ? { last: last.value } : {}),
  };
  const found = { environment: topology.environment.name, objectives, rehearsal, regions: looked };
  return { told, status: { ...found, outcome: environmentOutcome(found) } };
}

function timeBy({ store }: Catalog, clock: Clock): Promise<Looked<Told>> {
  return look(async () => {
    const now = await serviceTime(store, clock);
    return { now: now.toISOString(), aheadSeconds: (clock.now().getTime() - now.getTime()) / 1000 };
  });
}

async function regionStatus(
  context: StatusContext,
  region: StatusRegion,
  told: Looked<Told>,
): Promise<RegionStatus> {
  const { topology, rebuildIn } = context;
  const { place, account, catalog, backups } = region;
  const seen = await lookOn(told, async ({ now }) => {
    const caller = await account.demand(place.account, region.region);
    // Automated backups stay in the environment's account: a vault has none, and its role need not ask RDS for any.
    const isVault = place.account !== topology.environment.account;
    const restorable = isVault ? [] : await backups.restorable(primaryDatabases(topology.environment));
    const wanted = wantedOfPoint({ topology, region: place.name, wish: newest, now, restorable });
    const whyNotThis = (point: RecoveryPoint) => whyNot(point, newest, wanted);
    return { now, caller, restorable, wanted, contents: await catalog.contents(newest, whyNotThis) };
  });
  const copies = await lookOn(seen, async ({ now, restorable, wanted, contents: { points } }) => ({
    now,
    points,
    wanted,
    byTime: pointsInTime(restorable, newest),
  }));
  const expected = expectedData(topology, place.name);
  const dataSets = [
    ...dataSetStatuses(copies, expected, objectivesOf(topology).rpoSeconds),
    ...(await dumpStatuses(topology, region, seen)),
  ];
  if (place.name !== rebuildIn) return { region: place.name, dataSets };
  const checks = await recoveryStatus({ ...context, region, seen });
  const outcome = worst(checks.map((check) => check.outcome));
  return { region: place.name, dataSets, recovery: { outcome, checks } };
}

function dumpStatuses(
  { environment }: Topology,
  { place, catalog }: StatusRegion,
  seen: Looked<{ now: string }>,
): Promise<DataSetStatus[]> {
  return Promise.all(
    Object.entries(environment.dumps).map(async ([name, { rpo = environment.objectives.rpo }]) => {
      const looked = await lookOn(seen, async ({ now }) => ({
        now,
        dumps: await catalog.dumpsUpTo(name, newest, place.name),
      }));
      return dumpStatus(name, looked, place.name, durationSeconds(rpo));
    }),
  );
}

/** Whoever knows the newest one; a place that did not answer matters only when no other knows any. */
async function rehearsals({
  regions,
  rehearsedHere,
}: StatusContext): Promise<Looked<LastRehearsal | undefined>> {
  const places = [
    { kept: "this machine", ask: rehearsedHere },
    ...regions.map(({ place, rehearsed }) => ({ kept: `the catalog in ${place.name}`, ask: rehearsed })),
  ];
  const answers = await Promise.all(places.map(async ({ kept, ask }) => ({ kept, looked: await look(ask) })));
  const known = answers.flatMap(({ kept, looked }) =>
    looked.kind === "seen" ? [{ kept, record: looked.value }] : [],
  );
  const last = lastRehearsal(known);
  const silent = answers.map(({ looked }) => looked).find(({ kind }) => kind === "could-not-look");
  return last === undefined && silent?.kind === "could-not-look" ? silent : { kind: "seen", value: last };
}
