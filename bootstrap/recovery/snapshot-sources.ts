import { replicaOf } from "../config/quiesce.ts";
import type { Topology } from "../config/schema.ts";
import { isStateful } from "../config/servers.ts";

/** One server whose volumes are snapshotted, once, for itself or for those whose read replica it is. */
export interface SnapshotSource<S> {
  server: S;
  /** Whose data sets the snapshots become. */
  targets: S[];
}

/** Which of the running servers' volumes are snapshotted, and for whom; each server once. Says which replica lacks. */
export function snapshotSources<S extends { server: string; role: string }>(
  { roles }: Topology,
  servers: readonly S[],
): { sources: SnapshotSource<S>[]; missing: string[] } {
  const targets = new Map<S, S[]>();
  const missing: string[] = [];
  for (const server of servers) {
    const role = roles[server.role];
    if (role === undefined || !isStateful(role)) continue;
    const replica = replicaOf(role);
    const source = replica === undefined ? server : servers.find((one) => one.server === replica);
    if (source === undefined) missing.push(`${server.server}: its read replica ${replica} is not running`);
    else targets.set(source, [...(targets.get(source) ?? []), server]);
  }
  return { sources: [...targets].map(([server, of]) => ({ server, targets: of })), missing };
}
