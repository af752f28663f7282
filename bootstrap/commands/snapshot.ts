import { isCluster, primaryDatabases } from "../config/databases.ts";
import { databaseIdentifier, keyAlias, tags } from "../config/names.ts";
import type { Topology, Volume } from "../config/schema.ts";
import { isStateful } from "../config/servers.ts";
import type { Account } from "../edges/aws/account.ts";
import type { DatabaseBackups } from "../edges/aws/database-backups.ts";
import type { DatabaseSnapshots } from "../edges/aws/database-snapshots.ts";
import type { LiveServer, SnapshotState, VolumeSnapshots } from "../edges/aws/snapshots.ts";
import type { Catalog } from "../edges/catalog.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import {
  type DatabaseSet,
  type DataSet,
  type RecoveryPoint,
  unobserved,
  type VolumeSet,
  weakest,
} from "../recovery/point.ts";
import type { Restorable } from "../recovery/restorable.ts";

const snapshotLimitSeconds = 6 * 60 * 60;

/** One region's part in a snapshot. */
export interface SnapshotRegion {
  catalog: Catalog;
  volumes: VolumeSnapshots;
  databases: DatabaseSnapshots;
  clusters: DatabaseSnapshots;
  backups: DatabaseBackups;
}

export interface SnapshotContext extends Patience {
  topology: Topology;
  account: Account;
  primary: SnapshotRegion;
  recovery: SnapshotRegion;
  print(line: string): void;
}

/** What a data set still lacks; a part that failed adds its reason to the point and stops no other part. */
type Part<S extends DataSet> = { set: S; faults: string[] };

/**
 * Takes one recovery point: snapshots every data set in the primary region, copies them to the recovery region,
 * and writes the point to both catalogs. The point is complete only when each part is usable in the recovery region.
 */
export async function takeSnapshot(context: SnapshotContext): Promise<RecoveryPoint> {
  const { environment } = context.topology;
  const regions = [context.primary, context.recovery];
  await Promise.all(
    regions.map(({ catalog }) => context.account.demand(environment.account, catalog.store.region)),
  );
  await Promise.all(regions.map(({ catalog }) => catalog.store.inspect()));
  const keyArn = await context.account.keyArn(
    context.recovery.catalog.store.region,
    keyAlias(environment.name),
  );
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
    ...stateful.map((server) => snapshotServer(context, point, server, keyArn)),
    ...Object.keys(environment.databases).map((database) =>
      snapshotDatabase(context, point, database, keyArn),
    ),
  ]);
  point.sets = parts.map(({ set }) => set);
  point.consistency = weakest(point.sets.map(({ observed }) => observed.label));
  point.takenAt = [point.takenAt, ...point.sets.map(({ takenAt }) => takenAt)].sort().at(-1)!;
  point.faults.push(...parts.flatMap(({ faults }) => faults));
  point.status = point.faults.length === 0 ? "complete" : "incomplete";
  await writeEverywhere(regions, point);
  if (point.status === "complete") return point;
  throw new RekindleError(
    "tool-failed",
    `recovery point ${point.id} is incomplete and will never be chosen; mend what is named below, then take another`,
    { details: point.faults },
  );
}

async function writeEverywhere(regions: readonly SnapshotRegion[], point: RecoveryPoint): Promise<void> {
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
  key: string,
): Promise<Part<VolumeSet>> {
  const from = context.primary.volumes;
  const to = context.recovery.volumes;
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
    const label = { ...labels(point, server.role), [tags.server]: server.server };
    // `takenAt` is read before the call: the data is at least as new as the point says.
    set.takenAt = context.clock.now().toISOString();
    const taken = await from.take(server.instanceId, label);
    context.print(`${server.server}: ${taken.size} volumes snapshotted at one instant`);
    set.volumes = pairs.map(({ volume, live }) => ({
      name: volume.name,
      sizeGiB: live.sizeGiB,
      snapshots: { [from.region]: taken.get(live.volumeId)! },
    }));
    await Promise.all(
      set.volumes.map(async ({ name, snapshots }) => {
        const source = snapshots[from.region]!;
        await available(context, `snapshot ${source} of ${server.server}`, () => from.state(source));
        const copy = await to.copy({ region: from.region, snapshotId: source }, key, {
          ...label,
          [tags.volume]: name,
        });
        await available(context, `snapshot ${copy} of ${server.server} in ${to.region}`, () =>
          to.state(copy),
        );
        snapshots[to.region] = copy;
      }),
    );
  });
  return { set, faults };
}

async function snapshotDatabase(
  context: SnapshotContext,
  point: RecoveryPoint,
  database: string,
  key: string,
): Promise<Part<DatabaseSet>> {
  const { name, account, databases } = context.topology.environment;
  const kind = isCluster(databases[database]!) ? "clusters" : "databases";
  const from = context.primary[kind];
  const to = context.recovery[kind];
  const set: DatabaseSet = {
    kind: "database",
    database,
    takenAt: context.clock.now().toISOString(),
    observed: unobserved("RDS takes its snapshots of a database that runs"),
    snapshots: {},
  };
  const faults = await collectFaults(database, async () => {
    const snapshot = `rekindle-${name}-${database}-${point.id}`;
    await from.take(databaseIdentifier(name, "primary", database), snapshot, labels(point, database));
    set.snapshots[from.region] = snapshot;
    await available(context, `DB snapshot ${snapshot}`, () => from.state(snapshot));
    context.print(`${database}: DB snapshot ${snapshot} taken`);
    await to.copy({ region: from.region, account, snapshot }, key, labels(point, database));
    await available(context, `DB snapshot ${snapshot} in ${to.region}`, () => to.state(snapshot));
    set.snapshots[to.region] = snapshot;
    set.backups = await backupsOf(context, database);
  });
  return { set, faults };
}

/** What of the database either region can restore to a second by now. */
async function backupsOf(context: SnapshotContext, database: string): Promise<Restorable[]> {
  const asked = primaryDatabases(context.topology.environment).filter(({ name }) => name === database);
  const regions = [context.primary, context.recovery];
  return (await Promise.all(regions.map(({ backups }) => backups.restorable(asked)))).flat();
}

function matchVolumes(volumes: readonly Volume[], server: LiveServer) {
  return volumes.map((volume) => {
    const live = server.volumes.find(({ device }) => device === volume.device);
    if (live === undefined) throw new Error(`volume ${volume.name} is not attached at ${volume.device}`);
    return { volume, live };
  });
}

function labels(point: RecoveryPoint, role: string): Record<string, string> {
  return {
    [tags.environment]: point.environment,
    [tags.point]: point.id,
    [tags.role]: role,
    [tags.release]: point.release.release,
  };
}

function available(
  context: SnapshotContext,
  what: string,
  look: () => Promise<SnapshotState>,
): Promise<void> {
  return waitFor(context, what, snapshotLimitSeconds, async () => {
    const state = await look();
    return state.kind === "ready" ? { kind: "ready", value: undefined } : state;
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
