import { isCluster, primaryDatabases } from "../config/databases.ts";
import { databaseIdentifier } from "../config/names.ts";
import { type DatabaseSet, type RecoveryPoint, unobserved } from "../recovery/point.ts";
import type { Restorable } from "../recovery/restorable.ts";
import { available, collectFaults, type Part, type SnapshotContext } from "./snapshot-context.ts";
import { labels } from "./snapshot-server.ts";

/** Snapshots one RDS instance or cluster, and copies that to the recovery region. */
export async function snapshotDatabase(
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
    takenAt: point.takenAt,
    observed: unobserved("RDS takes its snapshots of a database that runs"),
    snapshots: {},
  };
  const faults = await collectFaults(database, async () => {
    const snapshot = `rekindle-${name}-${database}-${point.id}`;
    await from.take(databaseIdentifier(name, "primary", database), snapshot, labels(point, database));
    set.snapshots[from.region] = snapshot;
    set.takenAt = await available(context, `DB snapshot ${snapshot}`, () => from.state(snapshot));
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
