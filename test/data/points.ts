import { CopySnapshotCommand, CreateSnapshotsCommand, DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { tags } from "../../bootstrap/config/names.ts";
import type { Sandbox } from "../../bootstrap/edges/sandbox.ts";
import type { RecoveryPoint } from "../../bootstrap/recovery/point.ts";
import { aPoint, primary, recovery } from "../builders.ts";
import type { TestField } from "../commands/field.ts";
import { clients } from "../sandbox/clients.ts";

/**
 * A complete recovery point of `db-0` that bears any age: real snapshots of its volumes, copied and tagged as `rekindle
 * snapshot` does it, and entries in both catalogs.
 */
export async function aTakenPoint(
  sandbox: Sandbox,
  { cloud, topology }: TestField,
  takenAt: string,
  changes: Partial<RecoveryPoint> = {},
): Promise<RecoveryPoint> {
  const release = (await cloud.recovery.catalog.pointer())!.pointer;
  const { manifest } = (await cloud.recovery.catalog.manifest(release.release))!;
  const point = aPoint({
    takenAt,
    release: { release: release.release, commit: release.commit },
    recipes: Object.fromEntries(Object.entries(manifest.roles).map(([role, { recipe }]) => [role, recipe])),
  });
  const Tags = [
    { Key: tags.environment, Value: topology.environment.name },
    { Key: tags.point, Value: point.id },
    { Key: tags.server, Value: "db-0" },
  ];
  const TagSpecifications = [{ ResourceType: "snapshot" as const, Tags }];
  const [from, to] = [primary, recovery].map((region) => clients(sandbox.endpoint, region).ec2);
  const { Reservations } = await from!.send(
    new DescribeInstancesCommand({ Filters: [{ Name: `tag:${tags.server}`, Values: ["db-0"] }] }),
  );
  const InstanceId = Reservations![0]!.Instances![0]!.InstanceId!;
  const InstanceSpecification = { InstanceId, ExcludeBootVolume: true };
  const taken = await from!.send(new CreateSnapshotsCommand({ InstanceSpecification, TagSpecifications }));
  const volumes = await Promise.all(
    taken.Snapshots!.map(async ({ SnapshotId }, index) => {
      const source = { SourceRegion: primary, SourceSnapshotId: SnapshotId! };
      const copy = await to!.send(new CopySnapshotCommand({ ...source, TagSpecifications }));
      const snapshots = { [primary]: SnapshotId!, [recovery]: copy.SnapshotId! };
      return { name: `data-${index}`, sizeGiB: 10, snapshots };
    }),
  );
  const [set] = point.sets;
  const whole = { ...point, sets: [{ ...set!, volumes } as RecoveryPoint["sets"][number]], ...changes };
  for (const { catalog } of [cloud.recovery, cloud.primary]) await catalog.writePoint(whole);
  return whole;
}
