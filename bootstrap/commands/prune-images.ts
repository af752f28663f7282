import { inParallel } from "../collect/in-parallel.ts";
import type { ServerImage } from "../image/image.ts";
import { decideImages, type ImageDecision } from "../recovery/image-retention.ts";
import { anyOf, type PruneContext, type PruneRegion, readProtections } from "./prune-context.ts";

/** A rollback goes to one of the last releases that were live. */
const earlierReleases = 5;
const atOnce = 16;

/** Every image that any region's catalog has, with the copies that any of them knows. */
export async function everyImage(regions: readonly PruneRegion[]): Promise<ServerImage[]> {
  const found = new Map<string, ServerImage>();
  for (const images of await Promise.all(regions.map(({ catalog }) => catalog.images()))) {
    for (const image of images) {
      const known = found.get(image.recipe);
      found.set(
        image.recipe,
        known === undefined ? image : { ...image, ...known, images: { ...image.images, ...known.images } },
      );
    }
  }
  return [...found.values()];
}

/** Recipe → what needs its image. Points are read only when they can still make a difference. */
export async function neededRecipes(
  context: PruneContext,
  known: {
    images: readonly ServerImage[];
    youngerThan: Parameters<typeof decideImages>[2];
    /** Points that stay. */
    kept: readonly string[];
    /** Recipe → the plans that pin it. */
    pinned: ReadonlyMap<string, readonly string[]>;
  },
): Promise<Map<string, string[]>> {
  const { regions, topology } = context;
  const needed = new Map([...known.pinned].map(([recipe, reasons]) => [recipe, [...reasons]]));
  const need = (recipe: string, reason: string) => {
    const reasons = needed.get(recipe) ?? [];
    if (!reasons.includes(reason)) needed.set(recipe, [...reasons, reason]);
  };
  for (const { region, catalog, holdings } of regions) {
    const current = (await catalog.pointer())?.pointer.release;
    const earlier = await catalog.newestReleases(earlierReleases);
    for (const release of new Set([current, ...earlier])) {
      const found = release === undefined ? undefined : await catalog.manifest(release);
      for (const { recipe } of Object.values(found?.manifest.roles ?? {}))
        need(recipe, release === current ? "the current release" : `release ${release}, which was live`);
    }
    const inUse = await holdings.imagesInUse(topology.environment.name);
    for (const { recipe, images } of known.images)
      if (inUse.has(images[region] ?? "")) need(recipe, `servers in ${region}`);
  }
  const isOpen = () =>
    decideImages(known.images, needed, known.youngerThan).some(({ action }) => action === "remove");
  for (let at = 0; at < known.kept.length && isOpen(); at += atOnce) {
    const points = await inParallel(atOnce, known.kept.slice(at, at + atOnce), (id) => anyOf(regions, id));
    for (const point of points)
      for (const recipe of Object.values(point?.recipes ?? {})) need(recipe, `kept point ${point!.id}`);
  }
  return needed;
}

/**
 * Removes images from every region: first marked, so that no plan takes one, then deregistered with their snapshots,
 * then forgotten. One that a plan has pinned meanwhile is left alone.
 */
export async function removeImages(
  { regions, now }: PruneContext,
  decisions: readonly ImageDecision[],
): Promise<string[]> {
  const doomed = decisions.flatMap(({ action, image }) => (action === "remove" ? [image] : []));
  if (doomed.length === 0) return [];
  for (const image of doomed)
    for (const { catalog } of regions) await catalog.writeImage({ ...image, removing: true });
  const { recipes: pinned } = await readProtections(regions, now);
  const faults: string[] = [];
  for (const image of doomed) {
    const reason = pinned.get(image.recipe)?.[0];
    if (reason !== undefined) {
      const { removing: _mark, ...whole } = image;
      for (const { catalog } of regions) await catalog.writeImage(whole);
      faults.push(`the image of recipe ${image.recipe.slice(0, 12)} stays: ${reason} needs it now`);
      continue;
    }
    try {
      for (const { region, images } of regions)
        if (image.images[region] !== undefined) await images.remove(image.images[region]);
      for (const { catalog } of regions) await catalog.removeImage(image.recipe);
    } catch (error) {
      faults.push(`the image of recipe ${image.recipe.slice(0, 12)}: ${(error as Error).message}`);
    }
  }
  return faults;
}
