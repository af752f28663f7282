import { keyAlias } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import { isStateful } from "../config/servers.ts";
import type { LiveServer } from "../edges/aws/snapshots.ts";
import { underLock } from "../edges/bucket-lock.ts";
import { serviceTime } from "../edges/service-time.ts";
import { RekindleError } from "../errors.ts";
import { type RecoveryPoint, weakest } from "../recovery/point.ts";
import { snapshotSources } from "../recovery/snapshot-sources.ts";
import { copyLock, copyPoint, demandComplete, type PointPlace } from "./copy-point.ts";
import type { Part, SnapshotContext } from "./snapshot-context.ts";
import { snapshotDatabase } from "./snapshot-database.ts";
import { snapshotServer } from "./snapshot-server.ts";

/**
 * Takes one recovery point: snapshots every data set in the primary region, copies them to every other place, and
 * writes the point to each catalog. In a place it is complete only when each part is usable there. One is
 * taken at a time: two would freeze the same servers.
 */
export async function takeSnapshot(context: SnapshotContext): Promise<RecoveryPoint> {
  const { environment } = context.topology;
  const regions = [context.primary, context.recovery];
  await Promise.all(
    regions.map(({ catalog }) => context.account.demand(environment.account, catalog.store.region)),
  );
  await Promise.all(regions.map(({ catalog }) => catalog.store.inspect()));
  const { store } = context.recovery.catalog;
  const lock = { ...context, name: "snapshot", waitMs: context.waitMs ?? 0 };
  const point = await underLock(store, lock, (signal) => takePoint({ ...context, signal }));
  // Copies may take hours: the next point is taken meanwhile, and its copies wait.
  const copying = { ...context, name: copyLock, waitMs: Number.POSITIVE_INFINITY };
  const places = [...regions, ...(context.further ?? [])];
  const unseen = await underLock(store, copying, (signal) =>
    copyPoint({ ...context, places, signal }, point),
  );
  demandComplete(point, unseen);
  return point;
}

async function takePoint(context: SnapshotContext): Promise<RecoveryPoint> {
  const { environment } = context.topology;
  const regions = [context.primary, context.recovery];
  // What can't be copied for want of a foundation is not taken either.
  await context.account.keyArn(context.recovery.catalog.store.region, keyAlias(environment.name));
  const servers = await context.primary.volumes.servers(environment.name);
  const live = await liveVersions(context, servers);

  const started = (await serviceTime(context.recovery.catalog.store, context.clock)).toISOString();
  const point: RecoveryPoint = {
    version: 1,
    id: `point-${started.replace(/[-:.]/g, "").toLowerCase()}`,
    environment: environment.name,
    takenAt: started,
    status: "pending",
    consistency: "crash",
    ...live,
    sets: [],
    faults: missingServers(context.topology, servers),
  };
  // Journaled first: a command that is killed leaves a point that says so, and that no plan will choose.
  await writeEverywhere(regions, point);

  const { sources, missing } = snapshotSources(context.topology, servers);
  const taken = await Promise.all([
    ...sources.map((source) => snapshotServer(context, point, source)),
    ...Object.keys(environment.databases).map(async (database) => [
      await snapshotDatabase(context, point, database),
    ]),
  ]);
  const parts: Part[] = taken.flat();
  point.sets = parts.map(({ set }) => set);
  point.consistency = weakest(point.sets.map(({ observed }) => observed.label));
  point.takenAt = [point.takenAt, ...point.sets.map(({ takenAt }) => takenAt)].sort().at(-1)!;
  point.faults.push(...missing, ...new Set(parts.flatMap(({ faults }) => faults)));
  // From here on `rekindle copy` can go on where a command that is killed has stopped.
  await writeEverywhere(regions, point);
  return point;
}

async function writeEverywhere(regions: readonly PointPlace[], point: RecoveryPoint): Promise<void> {
  // The recovery region first: it is the one that will be asked.
  for (const { catalog } of [...regions].reverse()) await catalog.writePoint(point);
}

/** The release and the images that the running servers say they were made from. */
async function liveVersions(context: SnapshotContext, servers: readonly LiveServer[]) {
  const releases = new Set(servers.map(({ release }) => release).filter((release) => release !== ""));
  const newest = (await context.recovery.catalog.pointer())?.pointer;
  const name = releases.size === 1 ? [...releases][0]! : newest?.release;
  const found = name === undefined ? undefined : await context.recovery.catalog.manifest(name);
  if (found === undefined) {
    throw new RekindleError(
      "refused",
      `no release of ${context.topology.environment.name} is in ${context.recovery.catalog.store.region}; publish one first: rekindle publish`,
    );
  }
  const { manifest } = found;
  return {
    release: { release: manifest.release, commit: manifest.commit },
    recipes: Object.fromEntries(Object.entries(manifest.roles).map(([role, { recipe }]) => [role, recipe])),
  };
}

/** A stateful server that should run and doesn't has data that this point would silently lack. */
function missingServers(topology: Topology, servers: readonly LiveServer[]): string[] {
  return Object.entries(topology.environment.roles).flatMap(([role, { count }]) => {
    if (!isStateful(topology.roles[role]!)) return [];
    const running = servers.filter((server) => server.role === role).length;
    return running >= count
      ? []
      : [
          `role ${role} has ${running} running servers of ${count}: deploy the primary stack, or correct its count`,
        ];
  });
}
