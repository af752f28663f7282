import { databaseIdentifier } from "../config/names.ts";
import { type DatabaseSet, type RecoveryPoint, unobserved } from "../recovery/point.ts";
import { available, collectFaults, type Part, type SnapshotContext } from "./snapshot-context.ts";
import { labels } from "./snapshot-server.ts";

/** Snapshots one RDS instance, and copies that to the recovery region. */
export async function snapshotDatabase(
  context: SnapshotContext,
  point: RecoveryPoint,
  database: string,
  key: string,
): Promise<Part<DatabaseSet>> {
  const from = context.primary.databases;
  const to = context.recovery.databases;
  const { name, account } = context.topology.environment;
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
    await available(context, `DB snapshot ${snapshot}`, () => from.state(snapshot));
    set.takenAt = (await from.takenAt(snapshot)) ?? set.takenAt;
    context.print(`${database}: DB snapshot ${snapshot} taken`);
    await to.copy({ region: from.region, account, snapshot }, key, labels(point, database));
    await available(context, `DB snapshot ${snapshot} in ${to.region}`, () => to.state(snapshot));
    set.snapshots[to.region] = snapshot;
  });
  return { set, faults };
}
