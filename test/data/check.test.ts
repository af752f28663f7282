import { DeleteTagsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { checkRegion } from "../../bootstrap/commands/check.ts";
import type { CheckContext } from "../../bootstrap/commands/check-context.ts";
import { checkEveryPoint } from "../../bootstrap/commands/check-points.ts";
import { makePlan } from "../../bootstrap/commands/plan.ts";
import { tags } from "../../bootstrap/config/names.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import type { Check } from "../../bootstrap/recovery/check.ts";
import type { RecoveryPoint, VolumeSet } from "../../bootstrap/recovery/point.ts";
import { aTopology, primary, recovery } from "../builders.ts";
import { bakeIn, launchDatabaseServer, publishIn, testField } from "../commands/field.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { aTakenPoint } from "./points.ts";

const sandbox = runningSandbox();
const ago = (hours: number) => new Date(systemClock.now().getTime() - hours * 3_600_000).toISOString();

async function open() {
  const field = await testField(sandbox(), aTopology());
  await publishIn(field);
  const { baked } = await bakeIn(field);
  await launchDatabaseServer(sandbox(), field);
  const older = await aTakenPoint(sandbox(), field, ago(2));
  const newest = await aTakenPoint(sandbox(), field, ago(1));
  const context: CheckContext = {
    ...field.shared,
    region: field.cloud.recovery,
    now: systemClock.now().toISOString(),
  };
  return { field, context, older, newest, baked };
}

const failed = (checks: readonly Check[]) =>
  checks.filter(({ passed }) => !passed).map(({ name, found }) => `${name}: ${found}`);
const snapshotIn = (point: RecoveryPoint, region: string) =>
  (point.sets[0] as VolumeSet).volumes[0]!.snapshots[region]!;

describe("a check", () => {
  it("reads what a recovery would need where it would be needed, and asks no other region", async () => {
    const { context, newest } = await open();
    await sandbox().loseRegion(primary, "refused");
    const checks = await checkRegion(context);
    expect(failed(checks)).toEqual([]);
    expect(checks.map(({ found }) => found)).toContain(`from ${newest.id}`);
    expect(checks.filter(({ name }) => name.includes(`behind ${newest.id}`))).toHaveLength(2);
    expect((await sandbox().requestsSince(0)).requests.filter(({ outcome }) => outcome === "lost")).toEqual(
      [],
    );
  });

  it("finds and names a snapshot that somebody deleted behind a complete point", async () => {
    const { field, context, newest } = await open();
    const snapshot = snapshotIn(newest, recovery);
    await field.cloud.recovery.volumes.remove(snapshot);
    expect(failed(await checkRegion(context))).toEqual([
      `snapshot ${snapshot} of volume data-0 of db-0 in ${recovery}, behind ${newest.id}: missing: somebody has deleted it`,
    ]);
    expect(failed(await checkRegion({ ...context, region: field.cloud.primary }))).toEqual([]);
  });

  it("takes a snapshot that has lost its tags for what it is", async () => {
    const { context, newest } = await open();
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const ec2 = new EC2Client({ endpoint: sandbox().endpoint, region: recovery, credentials });
    const Resources = [snapshotIn(newest, recovery)];
    await ec2.send(new DeleteTagsCommand({ Resources, Tags: [{ Key: tags.point }] }));
    expect(failed(await checkRegion(context))).toEqual([]);
  });

  it("names an image and a bundle that are not as they were", async () => {
    const { field, context, baked } = await open();
    const image = baked.find(({ roles }) => roles.includes("web"))!.images[recovery]!;
    await field.cloud.recovery.images.remove(image);
    const { store } = field.cloud.recovery.catalog;
    const [bundle] = await store.list("bundles/db/");
    const { etag } = (await store.get(bundle!))!;
    await store.swap(bundle!, Buffer.from("no tar"), etag);
    const faults = failed(await checkRegion(context)).join("\n");
    expect(faults).toContain(`image ${image} of web in ${recovery}: missing`);
    expect(faults).toContain(`s3://${store.bucket}/${bundle}: the newest version: it can't be unpacked`);
  });

  it("looks at the pinned plan too, when that is not of the newest point", async () => {
    const { field, context, older } = await open();
    await makePlan({
      ...field.shared,
      wish: { kind: "point", id: older.id },
      catalog: field.cloud.recovery.catalog,
      backups: field.cloud.recovery.backups,
      pinTo: field.cloud.recovery.catalog,
      recoveryDeployed: async () => false,
    });
    expect(failed(await checkRegion(context))).toEqual([]);
    await field.cloud.recovery.volumes.remove(snapshotIn(older, recovery));
    expect(failed(await checkRegion(context)).join("\n")).toContain(`behind ${older.id}: missing`);
  });

  it("of every point names what older ones lack, with few requests", async () => {
    const { field, context, older } = await open();
    for (let hours = 3; hours < 8; hours++) await aTakenPoint(sandbox(), field, ago(hours));
    const snapshot = snapshotIn(older, recovery);
    await field.cloud.recovery.volumes.remove(snapshot);
    expect(failed(await checkRegion(context))).toEqual([]);
    const { next } = await sandbox().requestsSince(0);
    const checks: Check[] = [];
    for await (const check of checkEveryPoint(context)) checks.push(check);
    expect(failed(checks)).toEqual([
      `snapshot ${snapshot} of volume data-0 of db-0 in ${recovery}, behind ${older.id}: missing: somebody has deleted it`,
      `every complete point in ${recovery}: 7 points with 14 parts, 1 of them not as they should be`,
    ]);
    const { requests } = await sandbox().requestsSince(next);
    // One by tags for all points, and one by name for the one that is missing.
    expect(requests.filter(({ action }) => action === "DescribeSnapshots")).toHaveLength(2);
  });
});
