import { isCluster, primaryDatabases } from "../config/databases.ts";
import { databaseIdentifier } from "../config/names.ts";
import { pointLabel } from "../recovery/copies.ts";
import { type DatabaseSet, type RecoveryPoint, unobserved } from "../recovery/point.ts";
import { available, collectFaults, type Part, type SnapshotContext } from "./snapshot-context.ts";

/** Snapshots one RDS instance or cluster. */
export async function snapshotDatabase(
  context: SnapshotContext,
  point: RecoveryPoint,
  database: string,
): Promise<Part<DatabaseSet>> {
  const { name, databases } = context.topology.environment;
  const from = context.primary[isCluster(databases[database]!) ? "clusters" : "databases"];
  const set: DatabaseSet = {
    kind: "database",
    database,
    takenAt: point.takenAt,
    observed: unobserved("RDS takes its snapshots of a database that runs"),
    snapshots: {},
  };
  const faults = await collectFaults(database, async () => {
    const snapshot = `rekindle-${name}-${database}-${point.id}`;
    const label = pointLabel(point, { role: database });
    await from.take(databaseIdentifier(name, "primary", database), snapshot, label);
    set.snapshots[from.region] = snapshot;
    await available(context, `DB snapshot ${snapshot}`, () => from.state(snapshot));
    set.takenAt = (await from.takenAt(snapshot)) ?? set.takenAt;
    context.print(`${database}: DB snapshot ${snapshot} taken`);
    const asked = primaryDatabases(context.topology.environment).filter((one) => one.name === database);
    set.backups = await context.primary.backups.restorable(asked);
  });
  return { set, faults };
}
