import { describe, expect, it } from "vitest";
import { checkNewestDumps } from "../../bootstrap/commands/check-dumps.ts";
import { makePlan } from "../../bootstrap/commands/plan.ts";
import { prune } from "../../bootstrap/commands/prune.ts";
import type { PruneContext } from "../../bootstrap/commands/prune-context.ts";
import { requestDump, waitForDump } from "../../bootstrap/commands/thaw-dump.ts";
import { requestPoint, waitForPoint } from "../../bootstrap/commands/thaw-point.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import type { VolumeSet } from "../../bootstrap/recovery/point.ts";
import { manifestKey } from "../../bootstrap/release/release.ts";
import { aTopology, recovery } from "../builders.ts";
import { bakeIn, launchDatabaseServer, publishIn, type TestField, testField } from "../commands/field.ts";
import { aDump, aDumpPart } from "../dump/builders.ts";
import { archiveInS3 } from "../sandbox/archive.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { aTakenPoint } from "./points.ts";

const sandbox = runningSandbox();
const daysAgo = (days: number) => new Date(systemClock.now().getTime() - days * 86_400_000).toISOString();

/** An old point of which only a monthly rule makes use, and a new one; pruned. */
async function archived() {
  const retention = { keepLast: 1, keepMonthly: 12, archiveAfter: "30d" };
  const field = await testField(sandbox(), aTopology({ retention }));
  await publishIn(field);
  await bakeIn(field);
  await launchDatabaseServer(sandbox(), field);
  const old = await aTakenPoint(sandbox(), field, daysAgo(100));
  const newest = await aTakenPoint(sandbox(), field, daysAgo(1));
  const context: PruneContext = {
    topology: field.topology,
    policy: field.topology.environment.retention!,
    account: field.cloud.account,
    regions: [field.cloud.recovery, field.cloud.primary],
    now: systemClock.now().toISOString(),
    signal: field.shared.signal,
    tell: () => undefined,
  };
  const pruneAgain = () => prune(context, { clock: systemClock, print: () => undefined, waitMs: 0 });
  return { field, old, newest, pruned: await pruneAgain(), pruneAgain };
}

const planOf = ({ shared, cloud }: TestField, id: string) =>
  makePlan({
    ...shared,
    wish: { kind: "point", id },
    catalog: cloud.recovery.catalog,
    backups: cloud.recovery.backups,
    pinTo: cloud.recovery.catalog,
    recoveryDeployed: async () => false,
  });
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error: RekindleError) => error.details.join("\n"),
  );
const snapshots = (point: { sets: unknown[] }, region: string) =>
  (point.sets[0] as VolumeSet).volumes.map((volume) => volume.snapshots[region]!);
/** A clock whose waits are over at once. */
const patient = { ...systemClock, sleep: async () => undefined };

describe("the archive tier", () => {
  it("takes what only a monthly rule keeps, in both regions, and no plan chooses it until it is thawed", async () => {
    const { field, old, newest, pruned, pruneAgain } = await archived();
    expect(pruned).toMatchObject({ archive: [old.id], faults: [] });
    for (const { region, archive } of [field.cloud.recovery, field.cloud.primary]) {
      const tiers = await archive.tiers([...snapshots(old, region), ...snapshots(newest, region)]);
      expect([...tiers.values()].map(({ kind }) => kind).sort()).toEqual([
        "archived",
        "archived",
        "standard",
        "standard",
      ]);
    }
    expect(await refusal(planOf(field, old.id))).toContain(`thaw them: rekindle thaw ${old.id}`);
    expect((await planOf(field, newest.id)).point).toBe(newest.id);
    expect(await pruneAgain()).toMatchObject({ faults: [] });
  });

  it("gives a point back for some days, and says when and at what cost", async () => {
    const { field, old } = await archived();
    const lines: string[] = [];
    const context = { ...field.shared, clock: patient, print: (line: string) => void lines.push(line) };
    const asked = await requestPoint(field.cloud.recovery, old.id, 7, context);
    expect(asked).toMatchObject({
      state: "thawing",
      estimate: { snapshotGiB: 20, snapshotUsd: 0.6, storageUsd: 0.23, objects: 0 },
    });
    expect(lines).toHaveLength(2);
    const thawed = await waitForPoint(field.cloud.recovery, old.id, asked, context);
    expect(thawed.state).toBe("readable");
    const left = Date.parse(thawed.readableUntil!) - systemClock.now().getTime();
    expect(left / 86_400_000).toBeCloseTo(7, 1);
    expect((await planOf(field, old.id)).pins.volumes["db-0"]!.map(({ snapshotId }) => snapshotId)).toEqual(
      snapshots(old, recovery),
    );
    const again = await requestPoint(field.cloud.recovery, old.id, 7, context);
    expect(again).toMatchObject({ state: "readable", estimate: { snapshotGiB: 0 } });
  });

  it("brings the point's release back from Glacier too", async () => {
    const { field, newest } = await archived();
    const { store } = field.cloud.recovery.catalog;
    const manifest = manifestKey(newest.release.release);
    await archiveInS3(sandbox)(store, manifest);
    const context = { ...field.shared, clock: patient };
    const asked = await requestPoint(field.cloud.recovery, newest.id, 7, context);
    expect(asked).toMatchObject({
      objects: [manifest],
      state: "thawing",
      estimate: { objects: 1, objectsUsd: 0.01 },
    });
    expect(await waitForPoint(field.cloud.recovery, newest.id, asked, context)).toMatchObject({
      state: "readable",
      objects: [],
    });
    expect(await store.availability(manifest)).toBe("readable");
  });

  it("says that a snapshot which it should bring back is gone", async () => {
    const { field, old } = await archived();
    const [gone] = snapshots(old, recovery);
    await field.cloud.recovery.volumes.remove(gone!);
    expect(await refusal(requestPoint(field.cloud.recovery, old.id, 7, field.shared))).toContain(
      `snapshot ${gone} of volume data-0 of db-0 is gone`,
    );
  });
});

describe("a dump in Glacier", () => {
  it("is found by a check, comes back with what it costs, and is named once a part is gone", async () => {
    const dumps = { shop: { engine: "postgres", from: { host: "db.example" } } };
    const field = await testField(sandbox(), aTopology({ dumps: dumps as never }));
    const region = field.cloud.recovery;
    const { store } = region.catalog;
    const parts = [];
    for (const name of ["globals", "shop"]) {
      const key = `dumps/${aDump().id}/${name}`;
      await store.create(key, Buffer.from(name), "digest");
      if (name === "shop") await archiveInS3(sandbox)(store, key);
      parts.push(
        aDumpPart({ key, bytes: 2e9, versions: { [recovery]: (await store.head(key))!.versionId } }),
      );
    }
    const dump = aDump({ parts });
    const check = async () =>
      (await checkNewestDumps({ ...field.shared, region, now: systemClock.now().toISOString() })).map(
        ({ passed, found }) => ({ passed, found }),
      );
    expect(await check()).toEqual([{ passed: false, found: "none was ever taken" }]);
    await region.catalog.writeDump(dump);
    const cold = parts[1]!.key;
    expect(await check()).toEqual([
      { passed: false, found: `${cold} is archived: rekindle thaw ${dump.id}` },
    ]);
    await expect(store.get(cold)).rejects.toThrow(`thaw it: rekindle thaw ${dump.id}`);

    const context = { ...field.shared, clock: patient };
    const asked = await requestDump(store, dump, context);
    expect(asked).toMatchObject({
      objects: [cold],
      state: "thawing",
      estimate: { objects: 1, objectsUsd: 0.07, storageUsd: 0.01 },
    });
    expect(await waitForDump(store, dump, asked, context)).toMatchObject({ objects: [], state: "readable" });
    expect(await check()).toEqual([{ passed: true, found: "2 parts, readable" }]);

    await store.remove(cold);
    await region.catalog.writeDump({
      ...dump,
      parts: [parts[0]!, { ...parts[1]!, versions: { [recovery]: "gone" } }],
    });
    expect(await check()).toEqual([{ passed: false, found: `${cold} is missing: somebody has deleted it` }]);
  });
});
