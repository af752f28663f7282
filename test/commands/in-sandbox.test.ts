import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
} from "@aws-sdk/client-ec2";
import { PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { makePlan } from "../../bootstrap/commands/plan.ts";
import { takeSnapshot } from "../../bootstrap/commands/snapshot.ts";
import { synthesisInput } from "../../bootstrap/commands/synth-input.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import type { Wish } from "../../bootstrap/recovery/choose.ts";
import { aTopology, primary, recovery } from "../builders.ts";
import { objectStoreContract } from "../contracts/object-store.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { archiveInS3 } from "../sandbox/archive.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { bakeIn, launchDatabaseServer, publishIn, type TestField, testField } from "./field.ts";

const sandbox = runningSandbox();
const open = () => testField(sandbox(), aTopology());

const snapshotIn = ({ shared, cloud }: TestField, changes: Partial<typeof shared> = {}) =>
  takeSnapshot({ ...shared, ...changes, primary: cloud.primary, recovery: cloud.recovery });
const planIn = ({ shared, cloud }: TestField, wish: Wish = { kind: "newest" }, changes: object = {}) =>
  makePlan({
    ...shared,
    wish,
    catalog: cloud.recovery.catalog,
    backups: cloud.recovery.backups,
    pinTo: cloud.recovery.catalog,
    recoveryDeployed: async () => false,
    ...changes,
  });
const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error: RekindleError) => error,
  );

objectStoreContract(
  "in memory",
  async () => new MemoryStore(),
  (store, key) => store.archive(key),
);
objectStoreContract("of S3", async () => (await open()).cloud.recovery.catalog.store, archiveInS3(sandbox));

describe("publishing to S3", () => {
  it("writes a release to both regions once", async () => {
    const field = await open();
    expect(await publishIn(field)).toMatchObject({ uploaded: 8, pointer: "moved" });
    const { next } = await sandbox().requestsSince(0);
    expect(await publishIn(field)).toMatchObject({ uploaded: 0, pointer: "unchanged" });
    const { requests } = await sandbox().requestsSince(next);
    expect(requests.filter(({ action }) => action === "PutObject")).toEqual([]);
  });

  it("refuses a bucket without versioning before the first write", async () => {
    const field = await open();
    const { bucket } = field.cloud.primary.catalog.store;
    await clients(sandbox().endpoint, primary).s3.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: "Suspended" } }),
    );
    const error = await failure(publishIn(field));
    expect(error.kind).toBe("refused");
    expect(error.message).toContain(`bucket ${bucket} in ${primary} has versioning Suspended`);
    expect(await field.cloud.recovery.catalog.store.list("")).toEqual([]);
  });

  it("refuses credentials of another account before the first write", async () => {
    const field = await open();
    const topology = aTopology({ account: "999999999999" });
    const error = await failure(publishIn(field, { topology }));
    expect(error.kind).toBe("refused");
    expect(error.message).toContain("belong to account 123456789012, and the environment names 999999999999");
    expect(await field.cloud.recovery.catalog.store.list("")).toEqual([]);
  });

  it("says which call fails when its answer says nothing", async () => {
    const field = await open();
    await sandbox().addFault({ service: "s3", action: "HeadBucket", kind: "503" });
    expect((await failure(publishIn(field))).message).toMatch(/^S3 HeadBucket in eu-\w+-1: HTTP status 503$/);
  });

  it("says which region does not answer", async () => {
    const field = await open();
    await sandbox().loseRegion(primary, "refused");
    const error = await failure(publishIn(field));
    expect(error.kind).toBe("unreachable");
    expect(error.message).toContain(`does not answer for region ${primary}`);
  });
});

describe("baking", () => {
  it("makes one image a recipe in both regions, records it, and removes the builder", async () => {
    const field = await open();
    const { baked } = await bakeIn(field);
    expect(baked.map(({ roles, images }) => [roles, Object.keys(images).sort()])).toEqual([
      [["db"], [recovery, primary]],
      [["web"], [recovery, primary]],
    ]);
    expect(field.lines).toContain(
      "rekindle: the emulator ran no user-data; this power-off is the gateway's stand-in",
    );
    const { ec2 } = clients(sandbox().endpoint, primary);
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({}));
    expect(Reservations!.map(({ Instances }) => Instances![0]!.State!.Name)).toEqual([
      "terminated",
      "terminated",
    ]);
    expect(await field.cloud.recovery.catalog.image(baked[0]!.recipe)).toEqual(baked[0]);
  });

  it("does nothing when all images are there, copies one that a region has lost, and bakes one that all have lost", async () => {
    const field = await open();
    const { baked } = await bakeIn(field);
    expect(await bakeIn(field)).toMatchObject({ baked: [], upToDate: baked });
    await field.cloud.recovery.images.remove(baked[0]!.images[recovery]!);
    const mended = await bakeIn(field);
    expect(mended).toMatchObject({ baked: [], copied: [{ recipe: baked[0]!.recipe }] });
    for (const { images } of field.cloud.places)
      await images.remove(mended.copied[0]!.images[images.region]!);
    expect((await bakeIn(field)).baked.map(({ recipe }) => recipe)).toEqual([baked[0]!.recipe]);
  });

  it("bakes one image for roles with the same recipe", async () => {
    const field = await open();
    const recipes = { web: field.recipes.web!, db: field.recipes.web! };
    expect((await bakeIn(field, { recipes })).baked.map(({ roles }) => roles)).toEqual([["db", "web"]]);
  });

  it.each([
    [
      "the builder's user-data fails",
      async () => void (await sandbox().setBuilders("fails")),
      "without its success mark",
    ],
    [
      "the copy is refused",
      async () => void (await sandbox().addFault({ service: "ec2", action: "CopyImage", kind: "500" })),
      "",
    ],
  ])("leaves nothing behind when %s", async (_case, breakIt, message) => {
    const field = await open();
    await breakIt();
    const recipes = { web: field.recipes.web! };
    expect((await failure(bakeIn(field, { recipes }))).message).toContain(message);
    for (const region of [primary, recovery]) {
      const { ec2 } = clients(sandbox().endpoint, region);
      const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ["self"] }));
      // In the emulator, Debian's own image is the account's too.
      expect(Images.filter(({ Name }) => !Name!.startsWith("debian-"))).toEqual([]);
      const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
      expect(
        Reservations.flatMap(({ Instances }) => Instances!).filter(
          ({ State }) => State!.Name !== "terminated",
        ),
      ).toEqual([]);
    }
    expect(await field.cloud.primary.catalog.store.list("catalog/images/")).toEqual([]);
  });
});

it("a bake ends the builder that a killed one of its recipe left behind, and nobody else's", async () => {
  const field = await open();
  await sandbox().setBuilders("never-stops");
  const recipes = { web: field.recipes.web! };
  const error = await failure(bakeIn(field, { recipes, builderLimitSeconds: 0 }));
  expect(error.message).toMatch(/^the power-off of builder i-\w+ took longer than 0 s/);
  await sandbox().addFault({ service: "ec2", action: "TerminateInstances", kind: "500" });
  await failure(bakeIn(field, { recipes, builderLimitSeconds: 0 }));
  await sandbox().clearFaults();
  await sandbox().setBuilders("succeeds");
  field.lines.length = 0;
  await bakeIn(field, { recipes: { db: field.recipes.db! } });
  expect(field.lines.join("\n")).not.toContain("left behind");
  await bakeIn(field, { recipes });
  expect(field.lines.join("\n")).toMatch(/ended builder i-\w+ in eu-west-1, which an earlier bake had left/);
  const { ec2 } = clients(sandbox().endpoint, primary);
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({}));
  const states = Reservations!.flatMap(({ Instances }) => Instances!.map(({ State }) => State!.Name));
  expect(new Set(states)).toEqual(new Set(["terminated"]));
});

it("a bake whose builder can't be removed says so, and keeps the image", async () => {
  const field = await open();
  await sandbox().addFault({ service: "ec2", action: "TerminateInstances", kind: "500" });
  const recipes = { web: field.recipes.web! };
  const error = await failure(bakeIn(field, { recipes }));
  expect(error.message).toContain("the image of web is baked and recorded, but its builder is still there");
  expect(error.details.join("\n")).toMatch(/^builder i-\w+ in eu-west-1 was not removed: /);
  expect((await bakeIn(field, { recipes })).upToDate).toHaveLength(1);
});

describe("a recovery point", () => {
  it("is complete in both catalogs when every volume has its copy", async () => {
    const field = await open();
    await publishIn(field);
    await launchDatabaseServer(sandbox(), field);
    const point = await snapshotIn(field);
    expect(point).toMatchObject({
      status: "complete",
      consistency: "crash",
      sets: [{ kind: "volumes", server: "db-0" }],
    });
    const { requests } = await sandbox().requestsSince(0);
    expect(requests.filter(({ action }) => action === "CreateSnapshots")).toHaveLength(1);
    for (const { catalog, volumes } of [field.cloud.primary, field.cloud.recovery]) {
      expect(await catalog.points()).toEqual([point]);
      const { ec2 } = clients(sandbox().endpoint, volumes.region);
      const own = await ec2.send(
        new DescribeSnapshotsCommand({ Filters: [{ Name: "tag:rekindle:point", Values: [point.id] }] }),
      );
      expect(own.Snapshots).toHaveLength(2);
    }
  });

  it.each([
    [
      "a copy fails",
      ["/dev/sdf", "/dev/sdg"],
      { service: "ec2", action: "CopySnapshot", kind: "500" as const },
      `${recovery}: volume data-0 of db-0: EC2 CopySnapshot in ${recovery}: `,
    ],
    ["a volume is not attached", ["/dev/sdf"], undefined, "db-0: volume data-1 is not attached at /dev/sdg"],
    ["its server is not running", undefined, undefined, "role db has 0 running servers of 1"],
  ])("is incomplete, says why, and is never chosen when %s", async (_case, devices, fault, reason) => {
    const field = await open();
    await publishIn(field);
    await bakeIn(field);
    if (devices !== undefined) await launchDatabaseServer(sandbox(), field, devices);
    if (fault !== undefined) await sandbox().addFault(fault);
    expect((await failure(snapshotIn(field))).details.join("\n")).toContain(reason);
    await sandbox().clearFaults();
    const [point] = await field.cloud.recovery.catalog.points();
    expect(point?.status).toBe("incomplete");
    const refusal = await failure(planIn(field));
    expect(refusal.kind).toBe("no-recovery-point");
    expect(refusal.details.join("\n")).toContain(`${point!.id}, taken at ${point!.takenAt}: incomplete`);
  });
});

describe("a recovery point of what can't be made quiet", () => {
  it("is incomplete unless crash consistency is allowed, and then says so; nothing is snapshotted in vain", async () => {
    const field = await open();
    await publishIn(field);
    await launchDatabaseServer(sandbox(), field);
    const { allowCrash: _, ...strict } = field.shared;
    const taking = takeSnapshot({ ...strict, primary: field.cloud.primary, recovery: field.cloud.recovery });
    expect((await failure(taking)).details).toEqual([
      expect.stringMatching(/^db-0: it could not be made quiet: it has no body; mend that, or accept crash/),
    ]);
    const { requests } = await sandbox().requestsSince(0);
    expect(requests.filter(({ action }) => action === "CreateSnapshots")).toEqual([]);
    const { environment } = field.topology;
    const topology = aTopology({ ...environment, consistency: { allowCrash: true } });
    const allowed = { ...strict, topology, primary: field.cloud.primary, recovery: field.cloud.recovery };
    expect(await takeSnapshot(allowed)).toMatchObject({
      consistency: "crash",
      sets: [{ observed: { reasons: ["it could not be made quiet: it has no body"] } }],
    });
  });
});

it("of two snapshots at once one leaves, and one that was told to waits", async () => {
  const field = await open();
  await publishIn(field);
  await launchDatabaseServer(sandbox(), field);
  const both = await Promise.allSettled([snapshotIn(field), snapshotIn(field)]);
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const rejected = both.find((one) => one.status === "rejected");
  expect((rejected?.reason as RekindleError).message).toMatch(/^another rekindle snapshot is running/);
  const context = { ...field.shared, primary: field.cloud.primary, recovery: field.cloud.recovery };
  const waiting = await Promise.all([0, 1].map(() => takeSnapshot({ ...context, waitMs: 60_000 })));
  expect(new Set(waiting.map(({ id }) => id)).size).toBe(2);
  expect((await field.cloud.recovery.catalog.points()).map(({ status }) => status)).toEqual([
    "complete",
    "complete",
    "complete",
  ]);
});

describe("the moment of a recovery point", () => {
  it.each([
    -86_400_000, 86_400_000,
  ])("and its age are the service's, when this machine's clock is %i ms off", async (wrongBy) => {
    const field = await open();
    await publishIn(field);
    await bakeIn(field);
    await launchDatabaseServer(sandbox(), field);
    const now = () => new Date(systemClock.now().getTime() + wrongBy);
    const clock = { ...systemClock, now };
    const before = systemClock.now().getTime();
    const { takenAt, sets } = await snapshotIn(field, { clock });
    for (const moment of [takenAt, ...sets.map((set) => set.takenAt)])
      expect(Math.abs(Date.parse(moment) - before)).toBeLessThan(30_000);
    const plan = await planIn(field, { kind: "newest" }, { clock });
    expect(plan.dataSets[0]!.rpoSeconds).toBeGreaterThanOrEqual(-1);
    expect(plan.dataSets[0]!.rpoSeconds).toBeLessThan(30);
  });

  it("is not before any of its data, so that a plan as of that moment takes nothing newer", async () => {
    const field = await open();
    await publishIn(field);
    await bakeIn(field);
    await launchDatabaseServer(sandbox(), field);
    const { id, takenAt, sets } = await snapshotIn(field);
    expect(sets.filter((set) => set.takenAt > takenAt)).toEqual([]);
    const plan = await planIn(field, { kind: "as-of", moment: takenAt });
    expect(plan.point).toBe(id);
    expect(plan.dataSets.filter(({ rpoSeconds }) => rpoSeconds < 0)).toEqual([]);
  });

  it("is not recorded when the recovery region's key is not there", async () => {
    const field = await open();
    await publishIn(field);
    const account = { ...field.cloud.account, keyArn: async () => Promise.reject(new Error("no key")) };
    await expect(
      takeSnapshot({
        ...field.shared,
        account,
        primary: field.cloud.primary,
        recovery: field.cloud.recovery,
      }),
    ).rejects.toThrow("no key");
    expect(await field.cloud.recovery.catalog.points()).toEqual([]);
  });
});

describe("planning", () => {
  it("needs nothing of a primary region that answers nothing", async () => {
    const field = await open();
    await publishIn(field);
    const { baked } = await bakeIn(field);
    await launchDatabaseServer(sandbox(), field);
    const point = await snapshotIn(field);
    await sandbox().loseRegion(primary, "timeout");
    const plan = await planIn(field);
    expect(plan.point).toBe(point.id);
    expect(
      Object.values(plan.pins.roles)
        .map(({ imageId }) => imageId)
        .sort(),
    ).toEqual(baked.map(({ images }) => images[recovery]).sort());
    expect((await sandbox().requestsSince(0)).requests.filter(({ outcome }) => outcome === "lost")).toEqual(
      [],
    );
  });

  it("stays pinned for synthesis until another plan is asked for, or nothing is deployed from it", async () => {
    const field = await open();
    await publishIn(field);
    await bakeIn(field);
    await launchDatabaseServer(sandbox(), field);
    await snapshotIn(field);
    let deployed = false;
    const synthesize = async () => {
      const input = await synthesisInput({
        ...field.shared,
        catalog: field.cloud.recovery.catalog,
        backups: field.cloud.recovery.backups,
        recoveryDeployed: async () => deployed,
      });
      return input.recovery.kind === "pinned" ? input.recovery.pins.volumes : input.recovery.reasons;
    };
    const first = await synthesize();
    await snapshotIn(field);
    const second = await synthesize();
    expect(second).not.toEqual(first);
    deployed = true;
    await snapshotIn(field);
    expect(await synthesize()).toEqual(second);
    const asked = await planIn(field);
    expect(await synthesize()).toEqual(asked.pins.volumes);
    expect(asked.pins.volumes).not.toEqual(second);
  });

  it("is for the primary region too, but not while the stack is deployed in the other one", async () => {
    const field = await open();
    await publishIn(field);
    const { baked } = await bakeIn(field);
    await launchDatabaseServer(sandbox(), field);
    await snapshotIn(field);
    await planIn(field);
    const { catalog } = field.cloud.primary;
    const { backups } = field.cloud.primary;
    const deployed = { catalog, backups, recoveryDeployed: async () => true };
    expect((await failure(planIn(field, { kind: "newest" }, deployed))).message).toContain(
      `recovery-stack is deployed in ${recovery} and can't move to ${primary}`,
    );
    const { pins } = await planIn(field, { kind: "newest" }, { catalog, backups });
    expect(pins).toMatchObject({ site: "recovery", region: primary });
    expect(Object.values(pins.roles).map(({ imageId }) => imageId)).toEqual(
      expect.arrayContaining(baked.map(({ images }) => images[primary])),
    );
  });

  it("refuses to deploy a pinned plan that lacks data of the environment, rather than to make empty volumes", async () => {
    const field = await open();
    await publishIn(field);
    await bakeIn(field);
    await launchDatabaseServer(sandbox(), field);
    await snapshotIn(field);
    const { id } = await planIn(field);
    const { roles } = field.topology.environment;
    const { recovery: resolved } = await synthesisInput({
      ...field.shared,
      topology: aTopology({ roles: { ...roles, db: { ...roles.db, count: 2 } } }),
      catalog: field.cloud.recovery.catalog,
      backups: field.cloud.recovery.backups,
      recoveryDeployed: async () => true,
    });
    expect(resolved).toEqual({
      kind: "refused",
      reasons: [
        `the pinned plan ${id} has no snapshot of db-1's volume data-0`,
        `the pinned plan ${id} has no snapshot of db-1's volume data-1`,
        "ask for another plan: rekindle plan",
      ],
    });
  });

  it("gives the stacks its reasons when there is nothing to rebuild from", async () => {
    const field = await open();
    const context = {
      ...field.shared,
      catalog: field.cloud.recovery.catalog,
      backups: field.cloud.recovery.backups,
      recoveryDeployed: async () => false,
    };
    const input = await synthesisInput(context);
    expect(input.recovery).toEqual({
      kind: "refused",
      reasons: [`there is no recovery point in ${recovery}; take one: rekindle snapshot`],
    });
    expect(input.primary).toMatchObject({ kind: "refused" });
  });
});
