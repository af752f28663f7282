import { tags } from "../config/names.ts";
import { imageName } from "../config/schema.ts";
import type { ExistingServer, Instances } from "../edges/aws/instances.ts";
import { RekindleError } from "../errors.ts";
import { type TakenImage, takenIdentity } from "../image/image.ts";
import type { Observation } from "../recovery/point.ts";
import {
  begunImage,
  demandPlaces,
  type ImageContext,
  recordImage,
  spreadImage,
  usableImages,
  waitForImage,
} from "./copy-image.ts";
import { Undo, withLeftBehind } from "./undo.ts";

export interface TakingContext extends ImageContext {
  /** The primary region's. */
  instances: Instances;
}

export interface TakingRequest {
  /** An instance's id, or a server's name. */
  server: string;
  /** Whether the server is shut down meanwhile; whoever asks decides that. */
  reboot: boolean | undefined;
  /** The image's; the server's and the time when left out. */
  name: string | undefined;
  /** The role whose data volumes stay out; the server's own when left out. */
  role: string | undefined;
}

/**
 * Takes an image of a server that no recipe makes, copies it to every place and records it. One that an interrupted
 * command has begun under that name goes on; whatever fails removes what it made.
 */
export async function takeImage(context: TakingContext, request: TakingRequest): Promise<TakenImage> {
  const name = request.name === undefined ? undefined : wellFormed(request.name);
  await demandPlaces(context);
  const home = context.places[0]!;
  const known = name === undefined ? undefined : await home.catalog.takenImage(name);
  if (known !== undefined) return spreadFurther(context, request, known);

  const source = await findServer(context, request.server);
  const { environment } = context.topology;
  const chosen = name ?? wellFormed(nameNow(context, source));
  const without = dataDevices(context, source, request.role);
  const mode = modeOf(source, request.reboot);
  const undo = new Undo();
  try {
    const amiName = amiNameOf(environment.name, chosen);
    const label = { [tags.environment]: environment.name, [tags.taken]: chosen };
    const begun = await begunImage(home, amiName);
    // A command that went on after another one was killed knows only by the tag how that one took the image.
    const consistency = begun?.tags[tags.consistency] ?? mode.observed.label;
    const imageId =
      begun?.imageId ??
      (await home.images.createImage(source.instanceId, amiName, {
        reboot: mode.reboot,
        without,
        tags: { ...label, [tags.consistency]: consistency },
      }));
    if (begun === undefined)
      undo.push(`image ${imageId} in ${home.place.name}`, () => home.images.remove(imageId));
    context.print(
      begun === undefined
        ? `taking image ${chosen} of ${source.server} (${source.instanceId}): ${imageId}; if this is interrupted, the same command with --name ${chosen} goes on`
        : `going on with ${imageId}, which an interrupted command has begun`,
    );
    await waitForImage(context, home, imageId);
    await home.images.tag(imageId, label);
    const images = await spreadImage(
      context,
      { name: amiName, label, images: { [home.place.name]: imageId } },
      undo,
    );
    const image: TakenImage = {
      version: 1,
      kind: "taken",
      environment: environment.name,
      name: chosen,
      recipe: takenIdentity(chosen),
      source: { instanceId: source.instanceId, server: source.server, imageId: source.imageId },
      observed: observed[consistency === "filesystem" ? "filesystem" : "crash"],
      without,
      createdAt: context.clock.now().toISOString(),
      images,
    };
    await recordImage(context, image);
    return image;
  } catch (error) {
    throw withLeftBehind(error, await undo.run());
  }
}

/** An image that is recorded is never taken again under its name; what places lack of it is copied. */
async function spreadFurther(
  context: TakingContext,
  request: TakingRequest,
  known: TakenImage,
): Promise<TakenImage> {
  const { instanceId, server } = known.source;
  if (![instanceId, server].includes(request.server)) {
    throw new RekindleError(
      "refused",
      `image ${known.name} is of ${server} (${instanceId}), taken at ${known.createdAt}; servers that start from it would silently change; choose another name`,
    );
  }
  const images = await usableImages(context, known.images);
  if (Object.keys(images).length === context.places.length) {
    context.print(`image ${known.name} was taken at ${known.createdAt} and is everywhere`);
    return known;
  }
  const undo = new Undo();
  try {
    const label = { [tags.environment]: known.environment, [tags.taken]: known.name };
    const name = amiNameOf(known.environment, known.name);
    const mended = { ...known, images: await spreadImage(context, { name, label, images }, undo) };
    await recordImage(context, mended);
    return mended;
  } catch (error) {
    throw withLeftBehind(error, await undo.run());
  }
}

async function findServer(
  { instances, topology, places }: TakingContext,
  named: string,
): Promise<ExistingServer> {
  const { region } = places[0]!.place;
  const found = await instances.find(named, topology.environment.name);
  if (found.length === 1) return found[0]!;
  throw new RekindleError(
    "bad-input",
    found.length === 0
      ? `${region} has no server ${JSON.stringify(named)}; give its instance id, its name in ${topology.environment.name}, or its Name tag`
      : `${region} has ${found.length} servers ${JSON.stringify(named)}; give the id of one: ${found.map(({ instanceId }) => instanceId).join(", ")}`,
  );
}

/** What comes from snapshots is not in the image: a server that starts from it gets its data volumes beside it. */
function dataDevices(
  { topology, print }: TakingContext,
  server: ExistingServer,
  asked: string | undefined,
): string[] {
  const volumes = topology.roles[asked ?? server.role]?.volumes ?? [];
  const without = server.devices.filter((device) => volumes.some((volume) => volume.device === device));
  const within = server.devices.filter((device) => device !== server.rootDevice && !without.includes(device));
  if (without.length > 0) print(`${without.join(", ")} stay out: their data comes from recovery points`);
  if (within.length > 0)
    print(`${within.join(", ")} are in the image too; --role names the role whose data volumes stay out`);
  return without;
}

const observed: Record<"filesystem" | "crash", Observation> = {
  filesystem: {
    label: "filesystem",
    ran: [],
    reasons: [
      "the server was shut down for it; whether its applications had ended their work, nobody looked",
    ],
  },
  crash: { label: "crash", ran: [], reasons: ["the server ran on while its disks were taken"] },
};

/** A reboot is an outage, and none is a doubt: nobody gets either without having said so. */
function modeOf({ state, server }: ExistingServer, asked: boolean | undefined) {
  if (state === "stopped") return { reboot: false, observed: observed.filesystem };
  if (asked === undefined) {
    throw new RekindleError(
      "bad-input",
      `${server} is ${state}: say --reboot, which shuts it down for minutes and leaves its file systems whole, or --no-reboot, which leaves them as after a crash`,
    );
  }
  return { reboot: asked, observed: asked ? observed.filesystem : observed.crash };
}

function wellFormed(name: string): string {
  if (imageName.test(name)) return name;
  throw new RekindleError(
    "bad-input",
    `--name ${JSON.stringify(name)} is no name for an image: 2 to 64 lower-case letters, digits, hyphens and dots`,
  );
}

function nameNow({ clock }: TakingContext, { server }: ExistingServer): string {
  const time = clock.now().toISOString().slice(0, 16).replace(/[-:]/g, "").toLowerCase();
  const plain = server
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+/, "");
  return `${plain.slice(0, 40)}-${time}`;
}

function amiNameOf(environment: string, name: string): string {
  return `rekindle-${environment}-taken-${name}`;
}
