import { isCluster } from "../config/databases.ts";
import type { Environment } from "../config/schema.ts";
import type { Pins } from "../recovery/pins.ts";

/** What a rebuild calls to bring databases back, each once: RDS has an action for each kind and each beginning. */
export function databaseActions(
  { databases }: Pick<Environment, "databases">,
  pins: Pins["databases"],
): string[] {
  const actions = Object.entries(databases).flatMap(([name, database]) => {
    const beginning = pins[name]?.kind === "point-in-time" ? "ToPointInTime" : "FromSnapshot";
    return isCluster(database)
      ? [`rds:RestoreDBCluster${beginning}`, "rds:CreateDBInstance"]
      : [`rds:RestoreDBInstance${beginning === "FromSnapshot" ? "FromDBSnapshot" : beginning}`];
  });
  return actions.length === 0 ? [] : ["rds:CreateDBSubnetGroup", ...new Set(actions)];
}
