import { RekindleError } from "../errors.ts";
import type { ServerImage } from "../image/image.ts";
import { type Explained, type Leftover, leftoverImages, leftoverSnapshots } from "../recovery/leftovers.ts";
import { unfinishedSeconds } from "../recovery/retention.ts";
import type { PruneContext, PruneRegion } from "./prune-context.ts";

/** Snapshots and images that bear the environment's tag and that nothing in any catalog explains. Removes nothing. */
export async function findLeftovers(
  { topology, regions, now }: Pick<PruneContext, "topology" | "regions" | "now">,
  points: Explained["points"],
  images: readonly ServerImage[],
): Promise<Leftover[]> {
  const { name, databases } = topology.environment;
  const before = new Date(Date.parse(now) - unfinishedSeconds * 1000).toISOString();
  const found = await Promise.all(
    regions.map(async ({ region, holdings }) => {
      const own = await holdings.images(name);
      const explained: Explained = {
        points,
        images: new Set(images.flatMap((image) => image.images[region] ?? [])),
        ofImages: new Set(own.flatMap(({ snapshots }) => snapshots)),
        before,
      };
      const left = leftoverImages(region, own, explained);
      for await (const page of holdings.snapshots(name))
        left.push(...leftoverSnapshots(region, "snapshot", page, explained));
      if (Object.keys(databases).length > 0)
        left.push(
          ...leftoverSnapshots(region, "DB snapshot", await holdings.databaseSnapshots(name), explained),
        );
      return left;
    }),
  );
  return found.flat();
}

/** Removes leftovers by name; a name that is none of them is refused before anything is removed. */
export async function removeLeftovers(
  regions: readonly PruneRegion[],
  leftovers: readonly Leftover[],
  names: readonly string[],
): Promise<Leftover[]> {
  const unknown = names.filter((name) => leftovers.every(({ id }) => id !== name));
  if (unknown.length > 0) {
    throw new RekindleError(
      "refused",
      `${unknown.join(", ")} ${unknown.length === 1 ? "is" : "are"} not left over; nothing was removed; see what is: rekindle prune`,
    );
  }
  const doomed = leftovers.filter(({ id }) => names.includes(id));
  for (const { kind, region, id } of doomed) {
    const place = regions.find((one) => one.region === region)!;
    const remove = { snapshot: place.volumes, "DB snapshot": place.databases, image: place.images }[kind];
    await remove.remove(id);
  }
  return doomed;
}
