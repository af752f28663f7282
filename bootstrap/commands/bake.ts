import { renderBakeUserData, successMark } from "../../cloud-init/bake.ts";
import { builderProfile, keyAlias, tags } from "../config/names.ts";
import type { ImageFactory } from "../edges/aws/images.ts";
import { waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import type { GoldenImage } from "../image/image.ts";
import { type Recipe, recipeDigest } from "../image/recipe.ts";
import {
  demandPlaces,
  type ImageContext,
  recordImage,
  type Spreading,
  spreadImage,
  usableImages,
  waitForImage,
} from "./copy-image.ts";
import { Undo, withLeftBehind } from "./undo.ts";

const builderTag = "rekindle:builder";
const builderMark = (recipe: string) => recipe.slice(0, 12);
const consoleLimitSeconds = 5 * 60;

export interface BakeContext extends ImageContext {
  commit: string;
  /** Role → its image recipe. Roles with equal recipes share an image; one whose image was taken has none. */
  recipes: Record<string, Recipe>;
  /** How long a builder may take to power itself off. */
  builderLimitSeconds: number;
}

export interface Baked {
  baked: GoldenImage[];
  /** Already baked, and copied now to where they were not. */
  copied: GoldenImage[];
  upToDate: GoldenImage[];
}

/** Makes every golden image that is missing, in every place. A recipe that fails leaves nothing behind. */
export async function bake(context: BakeContext): Promise<Baked> {
  await demandPlaces(context);
  for (const [role, { image }] of Object.entries(context.topology.roles))
    if ("taken" in image)
      context.print(`role ${role} starts from the taken image ${image.taken}: nothing to bake`);
  const outcomes = await Promise.allSettled(
    [...rolesByRecipe(context.recipes)].map(([digest, roles]) => bakeOne(context, digest, roles)),
  );
  const failures = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason as unknown] : [],
  );
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) {
    throw new RekindleError("tool-failed", `${failures.length} images could not be baked`, {
      details: failures.map((failure) => (failure as Error).message),
      cause: failures[0],
    });
  }
  const done = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  return {
    baked: done.flatMap(({ kind, image }) => (kind === "baked" ? [image] : [])),
    copied: done.flatMap(({ kind, image }) => (kind === "copied" ? [image] : [])),
    upToDate: done.flatMap(({ kind, image }) => (kind === "up-to-date" ? [image] : [])),
  };
}

async function bakeOne(
  context: BakeContext,
  digest: string,
  roles: string[],
): Promise<{ kind: "baked" | "copied" | "up-to-date"; image: GoldenImage }> {
  const existing = await recorded(context, digest);
  // The catalog's word is not enough: the image must be there, in every place, and usable.
  const usable = existing === undefined ? {} : await usableImages(context, existing.images);
  const isEverywhere = Object.keys(usable).length === context.places.length;
  if (existing !== undefined && isEverywhere && (await isRecordedEverywhere(context, digest))) {
    context.print(`image of ${roles.join(", ")} is up to date (recipe ${digest.slice(0, 12)})`);
    return { kind: "up-to-date", image: existing };
  }
  const undo = new Undo();
  if (
    existing !== undefined &&
    context.places.some(({ place }) => place.role === undefined && usable[place.name])
  ) {
    const image = await copyFurther(context, existing, usable, undo).catch(async (error: unknown) => {
      throw withLeftBehind(error, await undo.run());
    });
    context.print(`image of ${roles.join(", ")} is copied to where it was missing`);
    return { kind: "copied", image };
  }
  const builder = new Undo();
  const image = await make(context, digest, roles, undo, builder).catch(async (error: unknown) => {
    throw withLeftBehind(error, [...(await builder.run()), ...(await undo.run())]);
  });
  const left = await builder.run();
  if (left.length === 0) return { kind: "baked", image };
  throw new RekindleError(
    "tool-failed",
    `the image of ${roles.join(", ")} is baked and recorded, but its builder is still there; terminate it by hand`,
    { details: left },
  );
}

/** As any of the account's regions has it. */
async function recorded({ places }: BakeContext, digest: string): Promise<GoldenImage | undefined> {
  const own = places.filter(({ place }) => place.role === undefined);
  const records = await Promise.all(own.map(({ catalog }) => catalog.image(digest)));
  return records.find((record) => record !== undefined);
}

async function isRecordedEverywhere({ places }: BakeContext, digest: string): Promise<boolean> {
  const records = await Promise.all(places.map(({ catalog }) => catalog.image(digest)));
  return records.every((record) => record !== undefined);
}

/** An image that one region has lost, or that a further one never had, is not baked again. */
async function copyFurther(
  context: BakeContext,
  existing: GoldenImage,
  usable: Record<string, string>,
  undo: Undo,
): Promise<GoldenImage> {
  const { recipe, roles, commit } = existing;
  const spreading = { ...spreadingOf(context, recipe, roles, commit), images: usable };
  const image = { ...existing, images: await spreadImage(context, spreading, undo) };
  await recordImage(context, image);
  return image;
}

/** Names are unique in an account: a second bake of a recipe, after a loss, must not meet the first one's. */
function spreadingOf(
  { topology, clock }: BakeContext,
  digest: string,
  roles: readonly string[],
  commit: string,
): Omit<Spreading, "images"> {
  const { name } = topology.environment;
  return {
    name: `rekindle-${name}-${roles[0]}-${digest.slice(0, 12)}-${clock.now().getTime()}`,
    label: { [tags.environment]: name, [tags.recipe]: digest, [tags.commit]: commit },
  };
}

async function make(
  context: BakeContext,
  digest: string,
  roles: string[],
  undo: Undo,
  builder: Undo,
): Promise<GoldenImage> {
  const { environment } = context.topology;
  const place = context.places[0]!;
  const home = place.images;
  const recipe = context.recipes[roles[0]!]!;
  const { name, label } = spreadingOf(context, digest, roles, context.commit);
  const [key] = await Promise.all(
    context.places.map(({ account, images }) => account.usableKey(images.region, keyAlias(environment.name))),
  );

  await endLeftBehind(context, home, {
    [tags.environment]: environment.name,
    [builderTag]: builderMark(digest),
  });
  const baseImageId = await home.baseImage(recipe.base);
  const instanceId = await home.launchBuilder({
    baseImageId,
    instanceType: environment.roles[roles[0]!]!.instanceType,
    userData: renderBakeUserData({ ...recipe, recipeDigest: digest }),
    rootVolumeGiB: recipe.rootVolumeGiB,
    instanceProfile: builderProfile(environment.name),
    encryptionKey: key!,
    tags: { ...label, [builderTag]: builderMark(digest), Name: name },
  });
  builder.push(`builder ${instanceId} in ${home.region}`, () => home.terminate(instanceId));
  context.print(`baking the image of ${roles.join(", ")} on ${instanceId} from ${baseImageId}`);
  await waitForPowerOff(context, home, instanceId);
  for (const remark of await readSuccessMark(context, home, instanceId, digest)) context.print(remark);

  const imageId = await home.createImage(instanceId, name);
  undo.push(`image ${imageId} in ${home.region}`, () => home.remove(imageId));
  await home.tag(imageId, label);
  await waitForImage(context, place, imageId);
  await home.tag(imageId, label);
  const images = await spreadImage(context, { name, label, images: { [place.place.name]: imageId } }, undo);
  const image: GoldenImage = {
    version: 1,
    environment: environment.name,
    recipe: digest,
    roles,
    commit: context.commit,
    baseImageId,
    createdAt: context.clock.now().toISOString(),
    images,
  };
  await recordImage(context, image);
  return image;
}

/** A bake that was killed can't have ended its builder; one recipe is baked by one command at a time. */
async function endLeftBehind(
  { print }: BakeContext,
  factory: ImageFactory,
  tagged: Record<string, string>,
): Promise<void> {
  for (const instanceId of await factory.builders(tagged)) {
    await factory.terminate(instanceId);
    print(`ended builder ${instanceId} in ${factory.region}, which an earlier bake had left behind`);
  }
}

async function waitForPowerOff(
  context: BakeContext,
  factory: ImageFactory,
  instanceId: string,
): Promise<void> {
  const what = `the power-off of builder ${instanceId}`;
  try {
    await waitFor(context, what, context.builderLimitSeconds, async () => {
      const state = await factory.builderState(instanceId);
      if (state === "stopped") return { kind: "ready", value: undefined };
      if (state === "terminated" || state === "shutting-down")
        return { kind: "failed", reason: `it is ${state}` };
      return { kind: "waiting" };
    });
  } catch (error) {
    // Read now: the builder is ended next, and what it was at only its console can tell.
    const output = await factory.console(instanceId).catch(() => "");
    const { kind, message } =
      error instanceof RekindleError ? error : { kind: "tool-failed" as const, message: String(error) };
    throw new RekindleError(kind, message, { cause: error, details: endOf(output) });
  }
}

function endOf(output: string): string[] {
  return output.trimEnd().split("\n").slice(-20);
}

/** A console is published some time after the fact, so a missing mark is only believed after a while of the same output. */
async function readSuccessMark(
  context: BakeContext,
  factory: ImageFactory,
  instanceId: string,
  digest: string,
): Promise<string[]> {
  const mark = successMark(digest);
  const start = context.clock.monotonic();
  const output = await waitFor(context, `the console of ${instanceId}`, consoleLimitSeconds, async () => {
    const text = await factory.console(instanceId);
    const patienceIsOver = text !== "" && context.clock.monotonic() - start > 60_000;
    if (text.includes(mark) || text.includes("rekindle-bake-failed") || patienceIsOver)
      return { kind: "ready", value: text };
    return { kind: "waiting" };
  });
  if (!output.includes(mark)) {
    throw new RekindleError(
      "tool-failed",
      `builder ${instanceId} powered off without its success mark; its console ends with the lines below; correct the recipe, then bake again`,
      { details: endOf(output) },
    );
  }
  return output.split("\n").filter((line) => line.startsWith("rekindle: "));
}

function rolesByRecipe(recipes: Record<string, Recipe>): Map<string, string[]> {
  const roles = new Map<string, string[]>();
  for (const role of Object.keys(recipes).sort()) {
    const digest = recipeDigest(recipes[role]!);
    roles.set(digest, [...(roles.get(digest) ?? []), role]);
  }
  return roles;
}
