import { tags } from "../config/names.ts";
import { replicaOf } from "../config/quiesce.ts";
import type { Role, Topology, Volume } from "../config/schema.ts";
import type { LiveServer } from "../edges/aws/snapshots.ts";
import { type RecoveryPoint, unobserved, type VolumeSet } from "../recovery/point.ts";
import { available, collectFaults, type Part, type SnapshotContext } from "./snapshot-context.ts";
import { takeQuietly } from "./snapshot-quiet.ts";

/** One server whose volumes are snapshotted, once, for itself or for others whose read replica it is. */
export interface SnapshotSource {
  server: LiveServer;
  /** Whose data sets the snapshots become. */
  targets: readonly LiveServer[];
}

/** Snapshots all data volumes of one server at one instant, and copies them to the recovery region. */
export async function snapshotServer(
  context: SnapshotContext,
  point: RecoveryPoint,
  { server, targets }: SnapshotSource,
  key: string,
): Promise<Part<VolumeSet>[]> {
  const from = context.primary.volumes;
  const to = context.recovery.volumes;
  const { roles } = context.topology;
  const shared: Pick<VolumeSet, "takenAt" | "observed" | "layout" | "volumes"> = {
    takenAt: point.takenAt,
    observed: unobserved("nothing was snapshotted"),
    volumes: [],
  };
  const faults = await collectFaults(server.server, async () => {
    const volumes = matchVolumes(roles[server.role]!.volumes, server);
    const role = governing(roles, targets);
    const label = { ...labels(point, server.role), [tags.server]: server.server };
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
      shared.volumes.map(async ({ name, snapshots }) => {
        const source = snapshots[from.region]!;
        const what = `snapshot ${source} of ${server.server}`;
        const takenAt = await available(context, what, () => from.state(source));
        const copy = await to.copy({ region: from.region, snapshotId: source }, key, {
          ...label,
          [tags.volume]: name,
        });
        await available(context, `snapshot ${copy} of ${server.server} in ${to.region}`, () =>
          to.state(copy),
        );
        snapshots[to.region] = copy;
        return takenAt;
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

export function labels(point: RecoveryPoint, role: string): Record<string, string> {
  return {
    [tags.environment]: point.environment,
    [tags.point]: point.id,
    [tags.role]: role,
    [tags.release]: point.release.release,
  };
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
