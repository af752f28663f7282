/** Something of an environment that nothing in the catalog explains. It is removed only by name. */
export interface Leftover {
  kind: "snapshot" | "DB snapshot" | "image";
  region: string;
  id: string;
  why: string;
}

/** What one region holds, as far as it can be left over. */
export interface Held {
  id: string;
  /** The recovery point that it was made for; empty for none. */
  point: string;
  /** ISO 8601, UTC. */
  startedAt: string;
}

/** What the catalogs explain. */
export interface Explained {
  points: { has(id: string): boolean };
  /** Image ids of this region. */
  images: ReadonlySet<string>;
  /** Snapshots that images of this region consist of, in the catalog or not. */
  ofImages: ReadonlySet<string>;
  /** Whatever is younger may be at work yet. */
  before: string;
}

export function leftoverSnapshots(
  region: string,
  kind: "snapshot" | "DB snapshot",
  held: readonly Held[],
  { points, ofImages, before }: Explained,
): Leftover[] {
  return held
    .filter(({ id, point, startedAt }) => !points.has(point) && !ofImages.has(id) && startedAt < before)
    .map(({ id, point }) => ({
      kind,
      region,
      id,
      why: point === "" ? "made for no recovery point" : `made for ${point}, which is in no region's catalog`,
    }));
}

export function leftoverImages(
  region: string,
  held: readonly { id: string; name: string; createdAt: string }[],
  { images, before }: Explained,
): Leftover[] {
  return held
    .filter(({ id, createdAt }) => !images.has(id) && createdAt < before)
    .map(({ id, name }) => ({ kind: "image", region, id, why: `${name} is in no region's catalog` }));
}
