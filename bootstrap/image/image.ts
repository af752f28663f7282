/** A golden image: one AMI in each region, baked from one recipe. `catalog/images/<recipe>.json`. */
export interface GoldenImage {
  version: 1;
  environment: string;
  /** Digest of the recipe: the image's identity. */
  recipe: string;
  /** Roles whose servers start from it when it was baked. */
  roles: string[];
  commit: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** Region → AMI id. */
  images: Record<string, string>;
}
