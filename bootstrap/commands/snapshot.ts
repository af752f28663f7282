import { databaseIdentifier, keyAlias } from "../config/names.ts";
import type { Topology, Volume } from "../config/schema.ts";
import { isStateful } from "../config/servers.ts";
import type { Account } from "../edges/aws/account.ts";
import type { LiveServer } from "../edges/aws/snapshots.ts";
import type { Patience } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import { pointLabel } from "../recovery/copies.ts";
import {
  type DatabaseSet,
  type DataSet,
  type RecoveryPoint,
  unobserved,
  type VolumeSet,
  weakest,
} from "../recovery/point.ts";
import { copyPoint, demandComplete, type PointPlace } from "./copy-point.ts";

export interface SnapshotContext extends Patience {
  topology: Topology;
  account: Account;
  primary: PointPlace;
  recovery: PointPlace;
  /** Further places that get copies; none when left out. */
  further?: readonly PointPlace[];
  print(line: string): void;
}

/** What a data set still lacks; a part that failed adds its reason to the point and stops no other part. */
type Part<S extends DataSet> = { set: S; faults: string[] };

/**
 * Takes one recovery point: snapshots every data set in the primary region, copies them to every other place, and
 * writes the point to each catalog. In a place it is complete only when each part is usable there.
 */
export async function takeSnapshot(context: SnapshotContext): Promise<RecoveryPoint> {
  const { environment } = context.topology;
  const regions = [context.primary, context.recovery];
  await Promise.all(
    regions.map(({ catalog }) => context.account.demand(environment.account, catalog.store.region)),
  );
  await Promise.all(regions.map(({ catalog }) => catalog.store.inspect()));
  // What can't be copied for want of a foundation is not taken either.
  await context.account.keyArn(context.recovery.catalog.store.region, keyAlias(environment.name));
  const servers = await context.primary.volumes.servers(environment.name);
  const live = await liveVersions(context, servers);

  const started = context.clock.now();
  const point: RecoveryPoint = {
    version: 1,
    id: `point-${started.toISOString().replace(/[-:.]/g, "").toLowerCase()}`,
    environment: environment.name,
    takenAt: started.toISOString(),
    status: "pending",
    consistency: "crash",
    ...live,
    sets: [],
    faults: missingServers(context.topology, servers),
  };
  // Journaled first: a command that is killed leaves a point that says so, and that no plan will choose.
  await writeEverywhere(regions, point);

  const stateful = servers.filter(
    ({ role }) => context.topology.roles[role] !== undefined && isStateful(context.topology.roles[role]),
  );
  const parts = await Promise.all<Part<DataSet>>([
    ...stateful.map((server) => snapshotServer(context, point, server)),
    ...Object.keys(environment.databases).map((database) => snapshotDatabase(context, point, database)),
  ]);
  point.sets = parts.map(({ set }) => set);
  point.consistency = weakest(point.sets.map(({ observed }) => observed.label));
  point.takenAt = [point.takenAt, ...point.sets.map(({ takenAt }) => takenAt)].sort().at(-1)!;
  point.faults.push(...parts.flatMap(({ faults }) => faults));
  // From here on `rekindle copy` can go on where a command that is killed has stopped.
  await writeEverywhere(regions, point);
  const places = [...regions, ...(context.further ?? [])];
  demandComplete(point, await copyPoint({ ...context, places }, point));
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

async function snapshotServer(
  context: SnapshotContext,
  point: RecoveryPoint,
  server: LiveServer,
): Promise<Part<VolumeSet>> {
  const from = context.primary.volumes;
  const set: VolumeSet = {
    kind: "volumes",
    server: server.server,
    role: server.role,
    takenAt: context.clock.now().toISOString(),
    observed: unobserved("nothing was frozen"),
    volumes: [],
  };
  const faults = await collectFaults(server.server, async () => {
    const pairs = matchVolumes(context.topology.roles[server.role]!.volumes, server);
    const label = pointLabel(point, server);
    // `takenAt` is read before the call: the data is at least as new as the point says.
    set.takenAt = context.clock.now().toISOString();
    const taken = await from.take(server.instanceId, label);
    context.print(`${server.server}: ${taken.size} volumes snapshotted at one instant`);
    set.volumes = pairs.map(({ volume, live }) => ({
      name: volume.name,
      sizeGiB: live.sizeGiB,
      snapshots: { [from.region]: taken.get(live.volumeId)! },
    }));
  });
  return { set, faults };
}

async function snapshotDatabase(
  context: SnapshotContext,
  point: RecoveryPoint,
  database: string,
): Promise<Part<DatabaseSet>> {
  const from = context.primary.databases;
  const { name } = context.topology.environment;
  const set: DatabaseSet = {
    kind: "database",
    database,
    takenAt: context.clock.now().toISOString(),
    observed: unobserved("RDS takes its snapshots of a database that runs"),
    snapshots: {},
  };
  const faults = await collectFaults(database, async () => {
    const snapshot = `rekindle-${name}-${database}-${point.id}`;
    await from.take(
      databaseIdentifier(name, "primary", database),
      snapshot,
      pointLabel(point, { role: database }),
    );
    set.snapshots[from.region] = snapshot;
    context.print(`${database}: DB snapshot ${snapshot} started`);
  });
  return { set, faults };
}

function matchVolumes(volumes: readonly Volume[], server: LiveServer) {
  return volumes.map((volume) => {
    const live = server.volumes.find(({ device }) => device === volume.device);
    if (live === undefined) throw new Error(`volume ${volume.name} is not attached at ${volume.device}`);
    return { volume, live };
  });
}

async function collectFaults(what: string, work: () => Promise<void>): Promise<string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    return [`${what}: ${(error as Error).message}`];
  }
}
