import type { Observation } from "../recovery/point.ts";
import { canonicalJson, sha256 } from "../release/digest.ts";

/**
 * A golden image: one AMI in each place, baked from one recipe.
 * `catalog/images/<environment's recipe digest>.json`, in every region.
 */
export interface GoldenImage {
  version: 1;
  kind?: "baked";
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
  /** Place → AMI id: a region, or a vault's `<account>/<region>`. */
  images: Record<string, string>;
  /** A prune has begun to remove it: nothing may be started from it any more. */
  removing?: true;
}

/**
 * A taken image: one AMI in each place of a server that no recipe makes. Its name is for ever: servers that start from
 * another one name another one. `catalog/images/<digest of its name>.json`, in every region.
 */
export interface TakenImage {
  version: 1;
  kind: "taken";
  environment: string;
  name: string;
  /** Digest of the name, where a baked image has its recipe's. */
  recipe: string;
  /** What it was taken of, in the primary region. */
  source: { instanceId: string; server: string; imageId: string };
  observed: Observation;
  /** Devices of data volumes that are not in it. */
  without: string[];
  /** ISO 8601, UTC. */
  createdAt: string;
  images: Record<string, string>;
  removing?: true;
}

export type ServerImage = GoldenImage | TakenImage;

/** What a release calls a role's image when nothing but its name makes it. */
export function takenIdentity(name: string): string {
  return sha256(canonicalJson({ taken: name }));
}
