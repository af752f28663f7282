import { replicaOf } from "../config/quiesce.ts";
import type { Topology } from "../config/schema.ts";
import { isStateful } from "../config/servers.ts";

/** One server whose volumes are snapshotted, once, for itself or for those whose read replica it is. */
export interface SnapshotSource<S> {
  server: S;
  /** Whose data sets the snapshots become. */
  targets: S[];
  /** The one of them that comes back as the primary, when the source is its read replica; the others are replicas too. */
  primary?: S;
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
  const sources = [...targets].map(([server, of]) => {
    const primary = of.filter((target) => target !== server).sort(byName)[0];
    return { server, targets: of, ...(primary === undefined ? {} : { primary }) };
  });
  return { sources, missing };
}

/** `db-2` before `db-10`. */
function byName({ server: one }: { server: string }, { server: other }: { server: string }): number {
  return one.localeCompare(other, "en", { numeric: true });
}
