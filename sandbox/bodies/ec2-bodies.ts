import { DeleteSnapshotCommand, DeregisterImageCommand } from "@aws-sdk/client-ec2";
import type { Answer } from "../answer.ts";
import type { ApiRequest } from "../api-request.ts";
import { Refusal } from "../refusal.ts";
import type { StandIn } from "../stand-in.ts";
import { consoleAnswer } from "./console.ts";
import type { Disk } from "./engine.ts";
import type { RegionBodies } from "./region-bodies.ts";

/** Gives EC2's calls their effect on bodies and disks, before the client hears of them. */
export class Ec2Bodies implements StandIn {
  readonly #regionOf: (region: string) => Promise<RegionBodies>;

  constructor(regionOf: (region: string) => Promise<RegionBodies>) {
    this.#regionOf = regionOf;
  }

  async answer({ service, action, form, region }: ApiRequest): Promise<Answer | undefined> {
    if (service !== "ec2") return undefined;
    if (action === "GetConsoleOutput") return await consoleOf(await this.#regionOf(region), form);
    if (action === "DetachVolume") await detach(await this.#regionOf(region), form);
    return undefined;
  }

  async after(request: ApiRequest, answer: Answer): Promise<void> {
    const { service, action, region } = request;
    if (!mayChangeBodies(service, action)) return;
    const bodies = await this.#regionOf(region);
    const said = answer.body.toString();
    const act = service === "ec2" ? diskActions[action] : undefined;
    if (act !== undefined) await act(bodies, request.form, said, this.#regionOf);
    const failures = await bodies.look();
    for (const [id, error] of failures) {
      if (!said.includes(id) && ![...request.form.values()].includes(id)) continue;
      throw asRefusal(`${id} got no body in the sandbox`, error);
    }
  }

  /** What it knows is the regions', which are reset by themselves. */
  reset(): void {}
}

/** Whatever starts or ends instances, attaches volumes or moves data: all but questions and tags. */
function mayChangeBodies(service: string, action: string): boolean {
  return ["ec2", "autoscaling"].includes(service) && !/^(Describe|Get|List|Search)|Tags$/.test(action);
}

async function consoleOf({ machines }: RegionBodies, form: URLSearchParams): Promise<Answer | undefined> {
  const id = form.get("InstanceId") ?? "";
  const file = machines.consoleFile(id);
  // The emulator knows how to say that there is no such instance.
  return file === undefined ? undefined : await consoleAnswer(id, file);
}

/** A volume that its machine still uses stays, which the emulator could not know. */
async function detach(bodies: RegionBodies, form: URLSearchParams): Promise<void> {
  const volume = form.get("VolumeId") ?? "";
  const running = bodies.machines.list().find(({ volumes }) => [...volumes.values()].includes(volume));
  const instance = running?.instance.InstanceId;
  if (instance === undefined || form.get("DryRun") === "true") return;
  await bodies.inTurn(async () => {
    try {
      await bodies.machines.detach(instance, volume);
    } catch (error) {
      throw asRefusal(`${volume} cannot be detached from ${instance}`, error as Error, "IncorrectState");
    }
  });
}

type DiskAction = (
  bodies: RegionBodies,
  form: URLSearchParams,
  answer: string,
  regionOf: (region: string) => Promise<RegionBodies>,
) => Promise<void>;

const diskActions: Record<string, DiskAction> = {
  CreateSnapshot: async (bodies, form, answer) =>
    await snapshot(bodies, [{ volume: form.get("VolumeId")!, snapshot: idsIn(answer, "snapshotId")[0]! }]),

  CreateSnapshots: async (bodies, _, answer) => {
    const volumes = idsIn(answer, "volumeId");
    const snapshots = idsIn(answer, "snapshotId");
    await snapshot(
      bodies,
      snapshots.map((snapshot, index) => ({ snapshot, volume: volumes[index]! })),
    );
  },

  CopySnapshot: async (bodies, form, answer, regionOf) => {
    const source = await regionOf(form.get("SourceRegion") ?? bodies.emulated.region);
    const id = idsIn(answer, "snapshotId")[0]!;
    await undoing(bodies, { snapshots: [id] }, async () => {
      const disk = source.disks.snapshot(form.get("SourceSnapshotId") ?? "");
      bodies.disks.keep(await bodies.engine.copy(disk), id);
    });
  },

  DeleteSnapshot: async ({ disks }, form) => await disks.forget(form.get("SnapshotId") ?? ""),

  CreateImage: async (bodies, form, answer) => {
    const instance = form.get("InstanceId")!;
    const image = idsIn(answer, "imageId")[0]!;
    const root = await bodies.rootOf(instance);
    const take = async () => await keepImage(bodies, image, await bodies.engine.imageOf(root));
    await undoing(bodies, { image }, async () => {
      if (form.get("NoReboot") === "true") await take();
      else await bodies.restart(instance, take);
    });
  },

  CopyImage: async (bodies, form, answer, regionOf) => {
    const source = (await regionOf(form.get("SourceRegion") ?? bodies.emulated.region)).disks.get(
      form.get("SourceImageId") ?? "",
    );
    const image = idsIn(answer, "imageId")[0]!;
    // One of the emulator's public images is the base in every region.
    if (source === undefined) return;
    await undoing(bodies, { image }, async () => keepImage(bodies, image, await bodies.engine.copy(source)));
  },

  RegisterImage: async (bodies, form, answer) => {
    const image = idsIn(answer, "imageId")[0]!;
    await undoing(bodies, { image }, async () =>
      keepImage(bodies, image, bodies.disks.snapshot(rootSnapshot(form))),
    );
  },

  DeregisterImage: async ({ disks }, form) => await disks.forget(form.get("ImageId") ?? ""),

  RebootInstances: async (bodies, form) => {
    for (const [name, id] of form)
      if (/^InstanceId\.\d+$/.test(name)) await bodies.inTurn(() => bodies.restart(id));
  },
};

async function snapshot(
  bodies: RegionBodies,
  wanted: readonly { volume: string; snapshot: string }[],
): Promise<void> {
  await undoing(bodies, { snapshots: wanted.map(({ snapshot }) => snapshot) }, async () => {
    const disks = await bodies.disks.snapshots(wanted.map(({ volume }) => volume));
    for (const [index, { snapshot }] of wanted.entries()) bodies.disks.keep(disks[index]!, snapshot);
  });
}

/** An image's disk is that of its root snapshot too, from which it can be registered again. */
async function keepImage({ disks, emulated }: RegionBodies, image: string, disk: Disk): Promise<void> {
  disks.keep(disk, image, ...(await emulated.snapshotsOf(image)));
}

/** Does the part of a call that the emulator did not; when it fails, what the emulator made goes again. */
async function undoing(
  bodies: RegionBodies,
  made: { snapshots?: string[]; image?: string },
  work: () => Promise<void>,
): Promise<void> {
  await bodies.inTurn(async () => {
    try {
      await work();
    } catch (error) {
      const { ec2 } = bodies.emulated;
      for (const SnapshotId of made.snapshots ?? [])
        await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
      if (made.image !== undefined) await ec2.send(new DeregisterImageCommand({ ImageId: made.image }));
      throw asRefusal("the sandbox could not do this to its disks", error as Error);
    }
  });
}

function rootSnapshot(form: URLSearchParams): string {
  const devices = [...form].flatMap(([name, value]) => {
    const number = /^BlockDeviceMapping\.(\d+)\.Ebs\.SnapshotId$/.exec(name)?.[1];
    return number === undefined ? [] : { device: form.get(`BlockDeviceMapping.${number}.DeviceName`), value };
  });
  const root = form.get("RootDeviceName");
  const found = devices.find(({ device }) => device === root) ?? devices[0];
  if (found !== undefined) return found.value;
  throw new Refusal(
    "MissingParameter",
    "an image is registered from a snapshot of a root volume; none is named",
  );
}

function asRefusal(what: string, error: Error, code = "InternalError"): Refusal {
  const known = error instanceof Refusal ? error.code : code;
  return new Refusal(known, `${what}: ${error.message}`, error);
}

function idsIn(answer: string, name: string): string[] {
  return [...answer.matchAll(new RegExp(`<${name}>([^<]+)</${name}>`, "g"))].map(([, id]) => id!);
}
