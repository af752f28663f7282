/**
 * A golden image: one AMI in each region, baked from one recipe.
 * `catalog/images/<environment's recipe digest>.json`, in every region.
 */
export interface GoldenImage {
  version: 1;
  environment: string;
  /** Digest of the recipe: the image's identity. */
  recipe: string;
  /** Roles that started from it when it was baked. */
  roles: string[];
  commit: string;
  /** The base image that the builder started from, in the primary region. */
  baseImageId: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** Region → AMI id. */
  images: Record<string, string>;
  /** A prune has begun to remove it: nothing may be started from it any more. */
  removing?: true;
}
