import { keyAlias } from "../config/names.ts";
import type { Place } from "../config/places.ts";
import type { Topology } from "../config/schema.ts";
import type { AtOnce } from "../edges/at-once.ts";
import type { Account } from "../edges/aws/account.ts";
import type { ImageFactory } from "../edges/aws/images.ts";
import type { Catalog } from "../edges/catalog.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import type { ServerImage } from "../image/image.ts";
import { imageSeenFrom } from "../image/seen-from.ts";
import { insist } from "./insist.ts";
import type { Undo } from "./undo.ts";

const imageLimitSeconds = 60 * 60;

/** One place where images are, or are to be. */
export interface ImagePlace {
  place: Place;
  account: Account;
  catalog: Catalog;
  images: ImageFactory;
  copying: AtOnce;
}

export interface ImageContext extends Patience {
  topology: Topology;
  /** The primary, which makes images, comes first, and a vault last. */
  places: readonly ImagePlace[];
  print(line: string): void;
}

/** An image that is somewhere and is to be everywhere. */
export interface Spreading {
  /** The same in every place. */
  name: string;
  label: Record<string, string>;
  /** Place → AMI, of those that are usable. */
  images: Readonly<Record<string, string>>;
}

/** Nothing is begun where credentials are of another account, or where there is no bucket. */
export async function demandPlaces({ places }: Pick<ImageContext, "places">): Promise<void> {
  await Promise.all(
    places.map(({ account, place, catalog }) => account.demand(place.account, catalog.store.region)),
  );
  await Promise.all(places.map(({ catalog }) => catalog.store.inspect()));
}

/**
 * Copies an image to every place that has none, and gives all of its AMIs by place. Under its name, a copy that an
 * interrupted command has begun is taken for the one that is wanted. `undo` learns of what is made here.
 */
export async function spreadImage(
  context: ImageContext,
  image: Spreading,
  undo: Undo,
): Promise<Record<string, string>> {
  const images = { ...image.images };
  const lacking = context.places.filter(({ place }) => images[place.name] === undefined);
  for (const isVault of [false, true]) {
    // A vault takes its copies from the region that it is in. All are waited for: what one has begun must be undone.
    const outcomes = await Promise.allSettled(
      lacking
        .filter(({ place }) => (place.role !== undefined) === isVault)
        .map(async (to) => {
          images[to.place.name] = await copyTo(context, { ...image, images }, to, undo);
        }),
    );
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }
  return Object.fromEntries(context.places.map(({ place }) => [place.name, images[place.name]!]));
}

/** Of what is recorded, the AMIs that can be started from. */
export async function usableImages(
  { places }: Pick<ImageContext, "places">,
  recorded: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const looks = await Promise.all(
    places.map(async ({ place, images }) => {
      const imageId = recorded[place.name];
      const isUsable = imageId !== undefined && (await images.state(imageId)) === "available";
      return isUsable ? [[place.name, imageId] as const] : [];
    }),
  );
  return Object.fromEntries(looks.flat());
}

/** Notes an image in every place's catalog, as that place sees it. */
export async function recordImage({ places }: ImageContext, image: ServerImage): Promise<void> {
  for (const { catalog, place } of places) await catalog.writeImage(imageSeenFrom(image, place));
}

export function waitForImage(context: Patience, { images }: ImagePlace, imageId: string): Promise<void> {
  return waitFor(context, `image ${imageId} in ${images.region}`, imageLimitSeconds, async () => {
    const state = await images.state(imageId);
    if (state === "available") return { kind: "ready", value: undefined };
    if (state === "pending") return { kind: "waiting" };
    return { kind: "failed", reason: state === "missing" ? "it is not there any more" : state.reason };
  });
}

/** This account's image of that name, unless it has failed: then it makes room. */
export async function begunImage({ images }: ImagePlace, name: string) {
  const begun = await images.imageNamed(name);
  if (begun === undefined) return undefined;
  if (typeof (await images.state(begun.imageId)) === "string") return begun;
  await images.remove(begun.imageId);
  return undefined;
}

async function copyTo(
  context: ImageContext,
  { name, label, images }: Spreading,
  to: ImagePlace,
  undo: Undo,
): Promise<string> {
  const { region, account, role } = to.place;
  const key = await to.account.usableKey(region, keyAlias(context.topology.environment.name));
  const begun = await begunImage(to, name);
  if (begun !== undefined) {
    await waitForImage(context, to, begun.imageId);
    await to.images.tag(begun.imageId, label);
    return begun.imageId;
  }
  const from = context.places.find(
    ({ place }) =>
      images[place.name] !== undefined &&
      place.role === undefined &&
      (role === undefined || place.region === region),
  );
  if (from === undefined)
    throw new RekindleError("tool-failed", `there is no image to copy to ${to.place.name} from`);
  const source = { region: from.place.region, imageId: images[from.place.name]! };
  if (account !== from.place.account) await from.images.share(source.imageId, account);
  return to.copying.run(async () => {
    const copy = await insist(context, `the copy of image ${source.imageId} to ${to.place.name}`, () =>
      to.images.copyImage(source, name, key),
    );
    undo.push(`image ${copy} in ${to.place.name}`, () => to.images.remove(copy));
    await to.images.tag(copy, label);
    await waitForImage(context, to, copy);
    // What was pending showed no snapshots to tag.
    await to.images.tag(copy, label);
    return copy;
  });
}
