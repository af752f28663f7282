import { databaseIdentifier } from "../config/names.ts";
import { pointLabel } from "../recovery/copies.ts";
import { type DatabaseSet, type RecoveryPoint, unobserved } from "../recovery/point.ts";
import { available, collectFaults, type Part, type SnapshotContext } from "./snapshot-context.ts";

/** Snapshots one RDS instance. */
export async function snapshotDatabase(
  context: SnapshotContext,
  point: RecoveryPoint,
  database: string,
): Promise<Part<DatabaseSet>> {
  const from = context.primary.databases;
  const { name } = context.topology.environment;
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
  });
  return { set, faults };
}
