import type { Quiesce } from "./quiesce-schema.ts";
import type { Role } from "./schema.ts";

/** How a role's data is made quiet: who says nothing has its file systems frozen. */
export function quiesceOf({ quiesce }: Role): Quiesce {
  return quiesce ?? { kind: "filesystem", limit: "30s", via: "ssm" };
}

/** The server whose volumes are snapshotted for the others of the role: a read replica. */
export function replicaOf(role: Role): string | undefined {
  const quiesce = quiesceOf(role);
  return "replica" in quiesce ? quiesce.replica : undefined;
}
