import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bake } from "../../bootstrap/commands/bake.ts";
import { type TakingRequest, takeImage } from "../../bootstrap/commands/image.ts";
import { makePlan } from "../../bootstrap/commands/plan.ts";
import { takeSnapshot } from "../../bootstrap/commands/snapshot.ts";
import type { Taking } from "../../bootstrap/edges/aws/images.ts";
import { ec2Instances } from "../../bootstrap/edges/aws/instances.ts";
import { ssmShell } from "../../bootstrap/edges/hosts/host-shell.ts";
import { type Sandbox, startSandbox } from "../../bootstrap/edges/sandbox.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import { takenIdentity } from "../../bootstrap/image/image.ts";
import { aRole, aTopology, primary, recovery } from "../builders.ts";
import {
  bakeIn,
  credentialsIn,
  launchDatabaseServer,
  publishIn,
  type TestField,
  testField,
} from "../commands/field.ts";
import { startBoxSandbox } from "../e2e/box-sandbox.ts";
import { launch } from "../sandbox/bodies/launch.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";
import { clients } from "../sandbox/clients.ts";
import { gatewayFolder } from "../sandbox/gateway.ts";

const further = "eu-north-1";
const vaultId = "210987654321";
const copies = { regions: [further], account: { id: vaultId, role: "rekindle-vault" } };

const takeIn = (
  { shared, cloud }: TestField,
  sandbox: Sandbox,
  request: Partial<TakingRequest> = {},
  places = cloud.places,
) => {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const access = { endpoint: sandbox.endpoint, credentials, stopwatch: shared.stopwatch };
  const asked = { server: "db-0", reboot: true, name: "db-2026", role: undefined, ...request };
  return takeImage({ ...shared, places, instances: ec2Instances(access, primary) }, asked);
};

const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error: RekindleError) => error,
  );

describe("an image of a server that no recipe makes", () => {
  const gateway = gatewayFolder();
  let running: Sandbox;
  const sandbox = () => running;
  beforeAll(async () => {
    // Loading the public images takes seconds a region and account, and no test here needs to find one.
    const moto = ["env", "MOTO_EC2_LOAD_DEFAULT_AMIS=false", "moto_server"];
    running = await startSandbox(gateway.options({ moto }));
  }, 120_000);
  beforeEach(async () => await running.reset());
  afterAll(async () => await running.stop());
  const ec2 = (region: string) => clients(sandbox().endpoint, region).ec2;

  async function open(changes: object = {}, roles: Parameters<typeof aTopology>[1] = {}): Promise<TestField> {
    const field = await testField(sandbox(), aTopology({ copies, ...changes }, roles));
    await launchDatabaseServer(sandbox(), field);
    return field;
  }

  /** The account's own images of a region, but the one that the emulator has in Debian's place. */
  async function imagesIn(region: string) {
    const { Images } = await ec2(region).send(new DescribeImagesCommand({ Owners: ["self"] }));
    return Images!.filter(({ Name }) => !Name!.startsWith("debian-"));
  }

  it("comes to every place under its name, is recorded in each, and says how it was taken", async () => {
    const field = await open();
    const image = await takeIn(field, sandbox());
    expect(Object.keys(image.images)).toEqual(field.cloud.places.map(({ place }) => place.name));
    expect(image.observed).toMatchObject({
      label: "filesystem",
      reasons: [expect.stringContaining("shut down")],
    });
    for (const { images, place, catalog } of field.cloud.places) {
      const found = await images.imageNamed("rekindle-shop-taken-db-2026");
      expect(found, place.name).toMatchObject({
        imageId: image.images[place.name],
        tags: { "rekindle:environment": "shop", "rekindle:taken": "db-2026" },
      });
      const record = await catalog.takenImage("db-2026");
      expect(record!.images[place.region]).toBe(image.images[place.name]);
    }
    expect((await takeIn(field, sandbox(), { name: "other", reboot: false })).observed.label).toBe("crash");
  });

  it("has the boot volume alone of a role with data volumes, for their data comes from recovery points", async () => {
    const field = await open();
    const takings: (Taking | undefined)[] = [];
    const home = field.cloud.primary;
    const images = {
      ...home.images,
      createImage: (id: string, name: string, taking?: Taking) => {
        takings.push(taking);
        return home.images.createImage(id, name, taking);
      },
    };
    const places = [{ ...home, images }, ...field.cloud.places.slice(1)];
    const { without } = await takeIn(field, sandbox(), {}, places);
    expect(without).toEqual(["/dev/sdf", "/dev/sdg"]);
    expect(takings).toMatchObject([{ reboot: true, without }]);
    await takeIn(field, sandbox(), { name: "of-web", role: "web" }, places);
    expect(takings[1]).toMatchObject({ without: [] });
  });

  it("is taken only of one server that is there, and of a running one only when its outage is decided", async () => {
    const field = await open();
    expect((await failure(takeIn(field, sandbox(), { reboot: undefined }))).message).toMatch(
      /^db-0 is running: say --reboot, .* or --no-reboot/,
    );
    expect((await failure(takeIn(field, sandbox(), { server: "db-7" }))).message).toContain(
      'eu-west-1 has no server "db-7"',
    );
    await launchDatabaseServer(sandbox(), field);
    const { message } = await failure(takeIn(field, sandbox()));
    expect(message).toMatch(/^eu-west-1 has 2 servers "db-0"; give the id of one: i-\w+, i-\w+$/);
    const id = /i-\w+/.exec(message)![0];
    expect((await takeIn(field, sandbox(), { server: id })).source).toMatchObject({
      instanceId: id,
      server: "db-0",
    });
  });

  it("leaves nothing behind when a copy fails", async () => {
    const field = await open();
    await sandbox().addFault({ service: "ec2", action: "CopyImage", region: further, kind: "500" });
    expect((await failure(takeIn(field, sandbox()))).message).toContain(`EC2 CopyImage in ${further}`);
    for (const region of [primary, recovery, further]) {
      expect(await imagesIn(region), region).toEqual([]);
      const Filters = [{ Name: "tag-key", Values: ["rekindle:taken"] }];
      const { Snapshots } = await ec2(region).send(
        new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters }),
      );
      expect(Snapshots, region).toEqual([]);
    }
    expect(await field.cloud.primary.catalog.takenImage("db-2026")).toBeUndefined();
  });

  it("goes on with what a killed command has begun, and does not shut the server down again", async () => {
    const field = await open();
    const image = await takeIn(field, sandbox(), { reboot: false });
    // As it is when the command ends before its last step, or between two copies.
    for (const { catalog, place } of field.cloud.places) {
      const [key] = await catalog.store.list("catalog/images/");
      const own = await credentialsIn(sandbox(), place);
      await clients(sandbox().endpoint, place.region, 30_000, own).s3.send(
        new DeleteObjectCommand({ Bucket: catalog.store.bucket, Key: key! }),
      );
    }
    await field.cloud.further[0]!.images.remove(image.images[further]!);
    const again = await takeIn(field, sandbox(), { reboot: true });
    expect(again.observed.label).toBe("crash");
    expect(again.images[primary]).toBe(image.images[primary]);
    expect(again.images[recovery]).toBe(image.images[recovery]);
    expect(again.images[further]).not.toBe(image.images[further]);
    const { requests } = await sandbox().requestsSince(0);
    expect(requests.filter(({ action }) => action === "CreateImage")).toHaveLength(1);
  });

  it("keeps its name for ever: what a place lacks is copied, and another server is refused", async () => {
    const field = await open();
    const image = await takeIn(field, sandbox());
    expect(await takeIn(field, sandbox())).toEqual(image);
    await field.cloud.recovery.images.remove(image.images[recovery]!);
    const mended = await takeIn(field, sandbox());
    expect(mended.images[primary]).toBe(image.images[primary]);
    expect(mended.images[recovery]).not.toBe(image.images[recovery]);
    expect(await field.cloud.recovery.catalog.takenImage("db-2026")).toEqual(mended);
    await launchDatabaseServer(sandbox(), field, [], "db-1");
    expect((await failure(takeIn(field, sandbox(), { server: "db-1" }))).message).toMatch(
      /^image db-2026 is of db-0 \(i-\w+\), taken at .*; choose another name$/,
    );
  });

  it("is what a role's servers start from that names it; baking leaves that role alone", async () => {
    const db = aRole({
      image: { taken: "db-2026" },
      volumes: [{ name: "data-0", device: "/dev/sdf", sizeGiB: 10 }],
      storage: { layout: "single", filesystem: "xfs", mount: "/data" },
    });
    const field = await open({}, { db });
    const sources = {
      ...field.shared.sources,
      db: { ...field.shared.sources.db!, recipe: takenIdentity("db-2026") },
    };
    await publishIn(field, { sources });
    await bakeIn(field, { recipes: { web: field.recipes.web! } });
    expect(field.lines).toContain("role db starts from the taken image db-2026: nothing to bake");
    await takeSnapshot({ ...field.shared, ...field.cloud });
    const plan = () =>
      makePlan({
        ...field.shared,
        wish: { kind: "newest" },
        catalog: field.cloud.recovery.catalog,
        backups: field.cloud.recovery.backups,
        pinTo: field.cloud.recovery.catalog,
        recoveryDeployed: async () => false,
      });
    expect((await failure(plan())).details.join("\n")).toContain(
      "needs image db-2026 for role db, which was not taken; take it: rekindle image <server> --name db-2026",
    );
    const image = await takeIn(field, sandbox());
    expect((await plan()).pins.roles.db?.imageId).toBe(image.images[recovery]);
  });

  it("that was baked comes to a further region later without being baked again", async () => {
    const field = await open();
    const recipes = { web: field.recipes.web! };
    const two = field.cloud.places.slice(0, 2);
    const { baked } = await bake({ ...field.shared, recipes, places: two, builderLimitSeconds: 60 });
    const { copied } = await bakeIn(field, { recipes });
    expect(copied[0]!.images).toMatchObject(baked[0]!.images);
    expect(Object.keys(copied[0]!.images)).toHaveLength(4);
    const { requests } = await sandbox().requestsSince(0);
    expect(requests.filter(({ action }) => action === "CreateImage")).toHaveLength(1);
    expect(await bakeIn(field, { recipes })).toMatchObject({ baked: [], copied: [], upToDate: copied });
  });
});

const lacking = lackingForBox();

describe.skipIf(lacking !== undefined)(`with real servers${lacking ? ` (${lacking})` : ""}`, () => {
  let folder = "";
  let sandbox: Sandbox;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-image-"));
    sandbox = await startBoxSandbox(folder);
  }, 900_000);
  afterAll(async () => {
    await sandbox?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("a server that nobody baked comes back in the other region from its image", async () => {
    const field = await testField(
      sandbox,
      aTopology({ roles: { web: { count: 1, instanceType: "t3.small" } } }),
    );
    const { shared } = field;
    const shell = (instance: string, region: string) => {
      const credentials = { accessKeyId: "test", secretAccessKey: "test" };
      const access = { endpoint: sandbox.endpoint, credentials, stopwatch: shared.stopwatch };
      return ssmShell(instance, region, access, {
        timeoutMs: 60_000,
        signal: shared.signal,
        clock: shared.clock,
      });
    };
    const by = clients(sandbox.endpoint, primary).ec2;
    const pet = await launch(by, {
      TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: "pet" }] }],
    });
    await shell(pet.InstanceId!, primary)("echo by hand >/etc/pet");
    const image = await takeIn(field, sandbox, { server: "pet", name: "pet" });
    expect(image.observed.label).toBe("filesystem");

    await by.send(new TerminateInstancesCommand({ InstanceIds: [pet.InstanceId!] }));
    await sandbox.loseRegion(primary, "refused");
    const there = clients(sandbox.endpoint, recovery).ec2;
    const back = await launch(there, { ImageId: image.images[recovery]! });
    expect(await shell(back.InstanceId!, recovery)("cat /etc/pet")).toMatchObject({ stdout: "by hand" });
    await there.send(new TerminateInstancesCommand({ InstanceIds: [back.InstanceId!] }));
    const { Reservations } = await there.send(new DescribeInstancesCommand({}));
    expect(Reservations![0]!.Instances![0]!.State!.Name).toBe("terminated");
  }, 300_000);
});
