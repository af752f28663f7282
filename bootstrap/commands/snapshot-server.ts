import { replicaOf } from "../config/quiesce.ts";
import type { Role, Topology, Volume } from "../config/schema.ts";
import type { LiveServer } from "../edges/aws/snapshots.ts";
import { pointLabel } from "../recovery/copies.ts";
import { type RecoveryPoint, unobserved, type VolumeSet } from "../recovery/point.ts";
import { collectFaults, momentOf, type Part, type SnapshotContext } from "./snapshot-context.ts";
import { takeQuietly } from "./snapshot-quiet.ts";

/** One server whose volumes are snapshotted, once, for itself or for others whose read replica it is. */
export interface SnapshotSource {
  server: LiveServer;
  /** Whose data sets the snapshots become. */
  targets: readonly LiveServer[];
}

/** Snapshots all data volumes of one server at one instant. */
export async function snapshotServer(
  context: SnapshotContext,
  point: RecoveryPoint,
  { server, targets }: SnapshotSource,
): Promise<Part<VolumeSet>[]> {
  const from = context.primary.volumes;
  const { roles } = context.topology;
  const shared: Pick<VolumeSet, "takenAt" | "observed" | "layout" | "volumes"> = {
    takenAt: point.takenAt,
    observed: unobserved("nothing was snapshotted"),
    volumes: [],
  };
  const faults = await collectFaults(server.server, async () => {
    const volumes = matchVolumes(roles[server.role]!.volumes, server);
    const role = governing(roles, targets);
    const label = pointLabel(point, server);
    const { taken, ...seen } = await takeQuietly(context, { role, server, volumes, point: point.id }, () =>
      from.take(server.instanceId, label),
    );
    Object.assign(shared, seen);
    const { label: consistency, frozen } = seen.observed;
    context.print(
      `${server.server}: ${taken.size} volumes snapshotted at one instant, ${consistency} consistent${frozen === undefined ? "" : `, quiet for ${Date.parse(frozen.until) - Date.parse(frozen.from)} ms`}`,
    );
    shared.volumes = volumes.map(({ name, sizeGiB, volumeId }) => ({
      name,
      sizeGiB,
      snapshots: { [from.region]: taken.get(volumeId)! },
    }));
    const moments = await Promise.all(
      shared.volumes.map(({ snapshots }) => {
        const snapshot = snapshots[from.region]!;
        return momentOf(context, `snapshot ${snapshot} of ${server.server}`, () => from.state(snapshot));
      }),
    );
    // The data is at least as new as the point says.
    shared.takenAt = moments.sort()[0]!;
  });
  return targets.map((target) => ({
    set: {
      kind: "volumes",
      server: target.server,
      role: target.role,
      ...(target.server === server.server ? {} : { takenOf: server.server }),
      ...structuredClone(shared),
      volumes: shared.volumes.filter((volume) =>
        roles[target.role]!.volumes.some(({ name }) => name === volume.name),
      ),
    },
    faults,
  }));
}

/** A replica is asked in the way of the role that wants it, which sees to it that it is one. */
function governing(roles: Topology["roles"], targets: readonly LiveServer[]): Role {
  const wanted = targets.map(({ role }) => roles[role]!);
  return wanted.find((role) => replicaOf(role) !== undefined) ?? wanted[0]!;
}

function matchVolumes(volumes: readonly Volume[], server: LiveServer) {
  return volumes.map(({ name, device }) => {
    const live = server.volumes.find((volume) => volume.device === device);
    if (live === undefined) throw new Error(`volume ${name} is not attached at ${device}`);
    return { name, device, volumeId: live.volumeId, sizeGiB: live.sizeGiB };
  });
}
