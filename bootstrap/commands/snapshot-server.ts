import { replicaOf } from "../config/quiesce.ts";
import type { Role, Topology, Volume } from "../config/schema.ts";
import type { LiveServer } from "../edges/aws/snapshots.ts";
import { pointLabel } from "../recovery/copies.ts";
import { type RecoveryPoint, unobserved, type VolumeSet } from "../recovery/point.ts";
import type { SnapshotSource } from "../recovery/snapshot-sources.ts";
import { collectFaults, type Part, type SnapshotContext } from "./snapshot-context.ts";
import { takeQuietly } from "./snapshot-quiet.ts";

/** Snapshots all data volumes of one server at one instant. */
export async function snapshotServer(
  context: SnapshotContext,
  point: RecoveryPoint,
  { server, targets, primary }: SnapshotSource<LiveServer>,
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
    const { fault, ...seen } = await takeQuietly(
      context,
      { role, server, volumes, point: point.id, ...(primary && { primary: primary.server }) },
      async () => {
        const { snapshots, takenAt } = await from.take(server.instanceId, label);
        shared.takenAt = takenAt;
        // Noted at once: what is there is known to the point, whatever becomes of it.
        shared.volumes = volumes.map(({ name, sizeGiB, volumeId }) => ({
          name,
          sizeGiB,
          snapshots: { [from.region]: snapshots.get(volumeId)! },
        }));
      },
    );
    Object.assign(shared, seen);
    if (fault !== undefined) throw new Error(fault);
    context.print(`${server.server}: ${describeTaken(shared)}`);
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

function describeTaken({
  volumes,
  observed: { label, frozen },
}: Pick<VolumeSet, "volumes" | "observed">): string {
  const quiet =
    frozen === undefined ? "" : `, quiet for ${Date.parse(frozen.until) - Date.parse(frozen.from)} ms`;
  return `${volumes.length} volumes snapshotted at one instant, ${label} consistent${quiet}`;
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
