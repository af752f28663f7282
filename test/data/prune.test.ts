import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
} from "@aws-sdk/client-rds";
import { describe, expect, it } from "vitest";
import { addHold, endHold } from "../../bootstrap/commands/hold.ts";
import { makePlan } from "../../bootstrap/commands/plan.ts";
import { dryPrune, prune, pruneLeftovers } from "../../bootstrap/commands/prune.ts";
import type { PruneContext } from "../../bootstrap/commands/prune-context.ts";
import { tags } from "../../bootstrap/config/names.ts";
import { underLock } from "../../bootstrap/edges/bucket-lock.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import type { Wish } from "../../bootstrap/recovery/choose.ts";
import { aTopology, primary, recovery } from "../builders.ts";
import { bakeIn, launchDatabaseServer, publishIn, type TestField, testField } from "../commands/field.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { aTakenPoint } from "./points.ts";
import { aStoredDump } from "./stored-dump.ts";

/** A plan is pinned between the decision about its point and the second look. */
class PinSeenLate extends Catalog {
  #looks = 0;

  override async pinnedPlan() {
    return ++this.#looks === 1 ? undefined : super.pinnedPlan();
  }
}

const sandbox = runningSandbox();
const day = 86_400_000;
/** Far enough ahead that what the tests make now is old: ages are counted from this argument. */
const now = new Date(systemClock.now().getTime() + 10 * day).toISOString();
const daysAgo = (days: number) => new Date(Date.parse(now) - days * day).toISOString();

/** Golden images are baked only for tests that plan or prune them: it takes seconds. */
async function open(retention: object = { keepLast: 2 }, images: "baked" | "none" = "none") {
  const field = await testField(sandbox(), aTopology({ retention }));
  await publishIn(field);
  if (images === "baked") await bakeIn(field);
  await launchDatabaseServer(sandbox(), field);
  const told: string[] = [];
  const context: PruneContext = {
    topology: field.topology,
    policy: field.topology.environment.retention!,
    account: field.cloud.account,
    regions: [field.cloud.recovery, field.cloud.primary],
    now,
    signal: new AbortController().signal,
    tell: ({ point, action, reasons }) =>
      told.push(`${action} ${point.id}: ${reasons.map(({ text }) => text).join("; ")}`),
  };
  const take = (days: number, changes: object = {}) => aTakenPoint(sandbox(), field, daysAgo(days), changes);
  return { field, context, told, take };
}

const lock = { clock: systemClock, print: () => undefined, waitMs: 0 };
const planIn = ({ shared, cloud }: TestField, wish: Wish = { kind: "newest" }) =>
  makePlan({
    ...shared,
    wish,
    catalog: cloud.recovery.catalog,
    backups: cloud.recovery.backups,
    pinTo: cloud.recovery.catalog,
    recoveryDeployed: async () => false,
  });
const pointsOf = async ({ cloud }: TestField) =>
  Promise.all([cloud.recovery, cloud.primary].map(({ catalog }) => catalog.points()));
const snapshotsOf = async (point: string) => {
  const Filters = [{ Name: `tag:${tags.point}`, Values: [point] }];
  const found = await Promise.all(
    [recovery, primary].map((region) =>
      clients(sandbox().endpoint, region).ec2.send(new DescribeSnapshotsCommand({ Filters })),
    ),
  );
  return found.map(({ Snapshots }) => Snapshots!.length);
};
const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error: RekindleError) => error,
  );

describe("a prune", () => {
  it("that is dry says what would go and why, and asks AWS for no removal", async () => {
    const { field, context, told, take } = await open();
    const [oldest, older, newest] = [await take(5), await take(4), await take(3)];
    const { next } = await sandbox().requestsSince(0);
    expect(await dryPrune(context)).toMatchObject({ kept: 2, removed: 1, faults: [], leftovers: [] });
    expect(told).toEqual([
      `keep ${newest.id}: the newest complete one; last 1/2`,
      `keep ${older.id}: last 2/2`,
      `remove ${oldest.id}: no rule keeps it`,
    ]);
    const { requests } = await sandbox().requestsSince(next);
    expect(requests.filter(({ action }) => /^(Delete|Put|Deregister|Modify)/.test(action))).toEqual([]);
    expect((await pointsOf(field)).map((points) => points.length)).toEqual([3, 3]);
  });

  it("removes points with their snapshots in both regions, and nothing of the others", async () => {
    const { field, context, take } = await open({ keepLast: 2 }, "baked");
    const [oldest, older, newest] = [await take(5), await take(4), await take(3)];
    expect(await prune(context, lock)).toMatchObject({ kept: 2, removed: 1, faults: [] });
    expect(await snapshotsOf(oldest.id)).toEqual([0, 0]);
    for (const { id } of [older, newest]) expect(await snapshotsOf(id)).toEqual([2, 2]);
    expect(await pointsOf(field)).toEqual([
      [newest, older],
      [newest, older],
    ]);
    expect((await planIn(field)).point).toBe(newest.id);
    expect(await prune(context, lock)).toMatchObject({ kept: 2, removed: 0 });
  });

  it("keeps what the pinned plan needs, and what is held until the hold is over", async () => {
    const { field, context, take } = await open({ keepLast: 1 }, "baked");
    const [held, pinned, needless] = [await take(6), await take(5), await take(4)];
    await take(3);
    await planIn(field, { kind: "point", id: pinned.id });
    const catalogs = [field.cloud.recovery.catalog, field.cloud.primary.catalog];
    const hold = await addHold(
      { catalogs, now },
      { point: held.id, reason: "an audit", until: daysAgo(-30) },
    );
    await prune(context, lock);
    expect(await snapshotsOf(held.id)).toEqual([2, 2]);
    expect(await snapshotsOf(pinned.id)).toEqual([2, 2]);
    expect(await snapshotsOf(needless.id)).toEqual([0, 0]);
    await endHold({ catalogs, now }, hold.id);
    await prune(context, lock);
    expect(await snapshotsOf(held.id)).toEqual([0, 0]);
    expect(await snapshotsOf(pinned.id)).toEqual([2, 2]);
  });

  it("lets a plan that was pinned while it marks win: the point is whole again", async () => {
    const { field, context, take } = await open({ keepLast: 1 }, "baked");
    const old = await take(5);
    await take(3);
    const { id } = await planIn(field, { kind: "point", id: old.id });
    const catalog = new PinSeenLate(field.cloud.recovery.catalog.store);
    const regions = [{ ...field.cloud.recovery, catalog }, field.cloud.primary];
    const { faults } = await prune({ ...context, regions }, lock);
    expect(faults).toEqual([`${old.id} stays: pinned plan ${id} needs it now`]);
    expect(await snapshotsOf(old.id)).toEqual([2, 2]);
    expect((await catalog.point(old.id))?.status).toBe("complete");
  });

  it("that is cut off in the middle leaves a point that no plan takes, and ends its work the next time", async () => {
    const { field, context, take } = await open({ keepLast: 1 }, "baked");
    const old = await take(5);
    const newest = await take(3);
    await sandbox().addFault({ service: "ec2", action: "DeleteSnapshot", region: primary, kind: "500" });
    const { faults } = await prune(context, lock);
    expect(faults.join("\n")).toMatch(
      new RegExp(`^${old.id}: snapshot snap-\\w+ in ${primary} was not removed`),
    );
    expect(await snapshotsOf(old.id)).toEqual([0, 2]);
    expect((await failure(planIn(field, { kind: "point", id: old.id }))).details.join("\n")).toContain(
      "removing: a prune has begun to remove it",
    );
    await sandbox().clearFaults();
    expect(await prune(context, lock)).toMatchObject({ removed: 1, faults: [] });
    expect(await snapshotsOf(old.id)).toEqual([0, 0]);
    expect(await pointsOf(field)).toEqual([[newest], [newest]]);
  });

  it("finds by their tags the snapshots that a killed command has noted nowhere", async () => {
    const { context, take } = await open({ keepLast: 1 });
    const killed = await take(5, { status: "pending", sets: [] });
    await take(3);
    expect(await prune(context, lock)).toMatchObject({ removed: 1, faults: [] });
    expect(await snapshotsOf(killed.id)).toEqual([0, 0]);
  });

  it("refuses to decide on the word of a region that it could not ask", async () => {
    const { context, take } = await open({ keepLast: 1 });
    const old = await take(5);
    await take(3);
    await sandbox().loseRegion(primary, "refused");
    expect((await failure(prune(context, lock))).kind).toBe("unreachable");
    await sandbox().restoreRegion(primary);
    expect(await snapshotsOf(old.id)).toEqual([2, 2]);
  });

  it("leaves when another one is at work", async () => {
    const { field, context, take } = await open({ keepLast: 1 });
    const old = await take(5);
    await take(3);
    const { store } = field.cloud.recovery.catalog;
    const other = { ...lock, name: "prune", signal: context.signal };
    await underLock(store, other, async () => {
      expect((await failure(prune(context, lock))).message).toContain("another rekindle prune is running");
    });
    expect(await snapshotsOf(old.id)).toEqual([2, 2]);
    expect(await prune(context, lock)).toMatchObject({ removed: 1 });
  });
});

it("a prune removes a point's DB snapshots in both regions, whatever became of its database", async () => {
  const { context, take } = await open({ keepLast: 1 });
  const ledger = { engine: "postgres", engineVersion: "15", instanceClass: "db.t3.micro", storageGiB: 20 };
  const access = { port: 5432, databaseName: "ledger", username: "ledger", clients: ["web"] };
  const topology = aTopology({ databases: { ledger: { ...ledger, ...access } } });
  const old = await take(5);
  const newest = await take(3);
  const held = async (region: string) => {
    const { DBSnapshots } = await clients(sandbox().endpoint, region).rds.send(
      new DescribeDBSnapshotsCommand({ SnapshotType: "manual" }),
    );
    return DBSnapshots!.map(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier);
  };
  for (const region of [recovery, primary]) {
    const { rds } = clients(sandbox().endpoint, region);
    await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: "ledger-0",
        Engine: "postgres",
        DBInstanceClass: "db.t3.micro",
        AllocatedStorage: 20,
        MasterUsername: "ledger",
        MasterUserPassword: "only-for-a-test",
      }),
    );
    for (const { id } of [old, newest]) {
      const Tags = [
        { Key: tags.environment, Value: "shop" },
        { Key: tags.point, Value: id },
      ];
      const DBSnapshotIdentifier = `rekindle-shop-ledger-${id}`;
      await rds.send(
        new CreateDBSnapshotCommand({ DBInstanceIdentifier: "ledger-0", DBSnapshotIdentifier, Tags }),
      );
    }
    expect(await held(region)).toHaveLength(2);
  }
  expect(await prune({ ...context, topology }, lock)).toMatchObject({
    removed: 1,
    faults: [],
    leftovers: [],
  });
  for (const region of [recovery, primary])
    expect(await held(region)).toEqual([`rekindle-shop-ledger-${newest.id}`]);
});

describe("dumps", () => {
  it("go by the same rules, each name for itself, with their objects in both regions", async () => {
    const { field, context, take } = await open({ keepLast: 1 });
    await take(3);
    const catalogs = context.regions.map(({ catalog }) => catalog);
    const put = (name: string, days: number) => aStoredDump(catalogs, name, daysAgo(days));
    const [held, old, newest] = [await put("shop", 7), await put("shop", 6), await put("shop", 5)];
    const other = await put("ledger", 8);
    await addHold({ catalogs, now }, { point: held.id, reason: "an audit", until: daysAgo(-1) });
    const pruned = await prune(context, lock);
    expect(pruned.faults).toEqual([]);
    expect(pruned.dumps.filter(({ action }) => action === "remove").map(({ id }) => id)).toEqual([old.id]);
    const { catalog } = field.cloud.primary;
    expect((await catalog.dumps()).map(({ id }) => id).sort()).toEqual([held.id, newest.id, other.id].sort());
    for (const { store } of catalogs)
      expect(await store.list("dumps/")).toEqual(
        [held, newest, other].flatMap(({ parts }) => parts.map(({ key }) => key)).sort(),
      );
  });
});

describe("images and what is left over", () => {
  const ownImages = async (region: string) => {
    const { ec2 } = clients(sandbox().endpoint, region);
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ["self"] }));
    return Images.filter(({ Name }) => !Name!.startsWith("debian-"));
  };

  it("deregisters with its snapshots an image that nothing needs, and keeps those of the current release", async () => {
    const { field, context, take } = await open({ keepLast: 2 }, "baked");
    await take(3);
    const needless = { ...field.recipes.web!, packages: ["needless"] };
    const { baked } = await bakeIn(field, { recipes: { web: needless } });
    const pruned = await prune(context, lock);
    expect(
      pruned.images.filter(({ action }) => action === "remove").map(({ image }) => image.recipe),
    ).toEqual(baked.map(({ recipe }) => recipe));
    for (const [index, region] of [recovery, primary].entries()) {
      const images = await ownImages(region);
      expect(images).toHaveLength(2);
      expect(await field.cloud[index === 0 ? "recovery" : "primary"].catalog.images()).toHaveLength(2);
      const { ec2 } = clients(sandbox().endpoint, region);
      const gone = await ec2.send(
        new DescribeSnapshotsCommand({
          Filters: [{ Name: `tag:${tags.recipe}`, Values: [baked[0]!.recipe] }],
        }),
      );
      expect(gone.Snapshots).toEqual([]);
    }
    expect(pruned.leftovers).toEqual([]);
  });

  it("lists what no catalog explains, and removes it only by its name", async () => {
    const { field, context, take } = await open();
    const known = await take(3);
    const { ec2 } = clients(sandbox().endpoint, primary);
    const { VolumeId } = await ec2.send(
      new CreateVolumeCommand({ AvailabilityZone: `${primary}a`, Size: 1 }),
    );
    const Tags = [
      { Key: tags.environment, Value: field.topology.environment.name },
      { Key: tags.point, Value: "point-20200101t000000000z" },
    ];
    const stray = await ec2.send(
      new CreateSnapshotCommand({ VolumeId, TagSpecifications: [{ ResourceType: "snapshot", Tags }] }),
    );
    const id = stray.SnapshotId!;
    const why = "made for point-20200101t000000000z, which is in no region's catalog";
    expect((await prune(context, lock)).leftovers).toEqual([{ kind: "snapshot", region: primary, id, why }]);
    expect(await snapshotsOf("point-20200101t000000000z")).toEqual([0, 1]);
    const mistaken = await failure(pruneLeftovers(context, lock, [id, "snap-of-somebody-else"]));
    expect(mistaken.message).toContain("snap-of-somebody-else is not left over; nothing was removed");
    expect((await pruneLeftovers(context, lock, [id])).leftovers).toEqual([]);
    expect(await snapshotsOf("point-20200101t000000000z")).toEqual([0, 0]);
    expect(await snapshotsOf(known.id)).toEqual([2, 2]);
  });
});
