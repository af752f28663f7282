import { renderBakeUserData, successMark } from "../../cloud-init/bake.ts";
import { builderProfile, keyAlias, tags } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { Account } from "../edges/aws/account.ts";
import type { ImageFactory } from "../edges/aws/images.ts";
import type { Catalog } from "../edges/catalog.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import type { GoldenImage } from "../image/image.ts";
import { type Recipe, recipeDigest } from "../image/recipe.ts";
import { Undo } from "./undo.ts";

const builderTag = "rekindle:builder";
const builderMark = (recipe: string) => recipe.slice(0, 12);
const consoleLimitSeconds = 5 * 60;
const imageLimitSeconds = 60 * 60;

export interface BakeContext extends Patience {
  topology: Topology;
  commit: string;
  /** Role → its image recipe. Roles with equal recipes share an image. */
  recipes: Record<string, Recipe>;
  account: Account;
  /** The region that bakes comes first; the others get copies. Catalogs in the same order. */
  factories: readonly ImageFactory[];
  catalogs: readonly Catalog[];
  /** How long a builder may take to power itself off. */
  builderLimitSeconds: number;
  print(line: string): void;
}

export interface Baked {
  baked: GoldenImage[];
  upToDate: GoldenImage[];
}

/** Makes every golden image that is missing, in every region. A recipe that fails leaves nothing behind. */
export async function bake(context: BakeContext): Promise<Baked> {
  const { environment } = context.topology;
  await Promise.all(
    context.catalogs.map(({ store }) => context.account.demand(environment.account, store.region)),
  );
  await Promise.all(context.catalogs.map(({ store }) => store.inspect()));
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
    upToDate: done.flatMap(({ kind, image }) => (kind === "up-to-date" ? [image] : [])),
  };
}

async function bakeOne(
  context: BakeContext,
  digest: string,
  roles: string[],
): Promise<{ kind: "baked" | "up-to-date"; image: GoldenImage }> {
  const existing = await upToDate(context, digest);
  if (existing !== undefined) {
    context.print(`image of ${roles.join(", ")} is up to date (recipe ${digest.slice(0, 12)})`);
    return { kind: "up-to-date", image: existing };
  }
  const undo = new Undo();
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

/** The catalog's word is not enough: the image must be there, in every region, and usable. */
async function upToDate(context: BakeContext, digest: string): Promise<GoldenImage | undefined> {
  const records = await Promise.all(context.catalogs.map((catalog) => catalog.image(digest)));
  const record = records[0];
  if (record === undefined || records.some((other) => other === undefined)) return undefined;
  const states = await Promise.all(
    context.factories.map(({ region, state }) =>
      record.images[region] === undefined ? "missing" : state(record.images[region]),
    ),
  );
  return states.every((state) => state === "available") ? record : undefined;
}

async function make(
  context: BakeContext,
  digest: string,
  roles: string[],
  undo: Undo,
  builder: Undo,
): Promise<GoldenImage> {
  const { environment } = context.topology;
  const [home, ...others] = context.factories;
  const recipe = context.recipes[roles[0]!]!;
  const label = {
    [tags.environment]: environment.name,
    [tags.recipe]: digest,
    [tags.commit]: context.commit,
  };
  // Names are unique in an account: a second bake of a recipe, after a loss, must not meet the first one's.
  const name = `rekindle-${environment.name}-${roles[0]}-${digest.slice(0, 12)}-${context.clock.now().getTime()}`;
  const keys = await Promise.all(
    context.factories.map(({ region }) => context.account.keyArn(region, keyAlias(environment.name))),
  );

  await endLeftBehind(context, home!, {
    [tags.environment]: environment.name,
    [builderTag]: builderMark(digest),
  });
  const baseImageId = await home!.baseImage(recipe.base);
  const instanceId = await home!.launchBuilder({
    baseImageId,
    instanceType: environment.roles[roles[0]!]!.instanceType,
    userData: renderBakeUserData({ ...recipe, recipeDigest: digest }),
    rootVolumeGiB: recipe.rootVolumeGiB,
    instanceProfile: builderProfile(environment.name),
    encryptionKey: keys[0]!,
    tags: { ...label, [builderTag]: builderMark(digest), Name: name },
  });
  builder.push(`builder ${instanceId} in ${home!.region}`, () => home!.terminate(instanceId));
  context.print(`baking the image of ${roles.join(", ")} on ${instanceId} from ${baseImageId}`);
  await waitForPowerOff(context, home!, instanceId);
  for (const remark of await readSuccessMark(context, home!, instanceId, digest)) context.print(remark);

  const imageId = await home!.createImage(instanceId, name);
  undo.push(`image ${imageId} in ${home!.region}`, () => home!.remove(imageId));
  await home!.tag(imageId, label);
  await waitForImage(context, home!, imageId);
  await home!.tag(imageId, label);

  const copies = await Promise.all(
    others.map(async (factory, index) => {
      const copy = await factory.copyImage({ region: home!.region, imageId }, name, keys[index + 1]!);
      undo.push(`image ${copy} in ${factory.region}`, () => factory.remove(copy));
      await factory.tag(copy, label);
      await waitForImage(context, factory, copy);
      await factory.tag(copy, label);
      return [factory.region, copy] as const;
    }),
  );
  const image: GoldenImage = {
    version: 1,
    environment: environment.name,
    recipe: digest,
    roles,
    commit: context.commit,
    baseImageId,
    createdAt: context.clock.now().toISOString(),
    images: Object.fromEntries([[home!.region, imageId], ...copies]),
  };
  for (const catalog of context.catalogs) await catalog.writeImage(image);
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

function waitForImage(context: BakeContext, factory: ImageFactory, imageId: string): Promise<void> {
  return waitFor(context, `image ${imageId} in ${factory.region}`, imageLimitSeconds, async () => {
    const state = await factory.state(imageId);
    if (state === "available") return { kind: "ready", value: undefined };
    if (state === "pending") return { kind: "waiting" };
    return { kind: "failed", reason: state === "missing" ? "it is not there any more" : state.reason };
  });
}

function rolesByRecipe(recipes: Record<string, Recipe>): Map<string, string[]> {
  const roles = new Map<string, string[]>();
  for (const role of Object.keys(recipes).sort()) {
    const digest = recipeDigest(recipes[role]!);
    roles.set(digest, [...(roles.get(digest) ?? []), role]);
  }
  return roles;
}

function withLeftBehind(error: unknown, left: string[]): unknown {
  if (left.length === 0) return error;
  const { kind, message, details } =
    error instanceof RekindleError
      ? error
      : { kind: "tool-failed" as const, message: String(error), details: [] };
  return new RekindleError(kind, message, { cause: error, details: [...details, ...left] });
}
