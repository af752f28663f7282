import type { Topology } from "../config/schema.ts";
import { type ServerImage, takenIdentity } from "../image/image.ts";
import type { Manifest } from "../release/manifest.ts";
import type { Pins } from "./pins.ts";

/** The image and the user-data of each role, as a release has them and as far as one region has the images. */
export function imagePins(
  topology: Topology,
  region: string,
  manifest: Manifest,
  images: readonly ServerImage[],
): { kind: "found"; roles: Pins["roles"] } | { kind: "refused"; reasons: string[] } {
  const roles: Pins["roles"] = {};
  const reasons: string[] = [];
  for (const role of Object.keys(topology.environment.roles)) {
    const inRelease = manifest.roles[role];
    if (inRelease === undefined) {
      reasons.push(
        `release ${manifest.release} has no role ${role}; publish a commit that has it: rekindle publish`,
      );
      continue;
    }
    const image = images.find(({ recipe }) => recipe === inRelease.recipe);
    const imageId = image?.images[region];
    if (imageId === undefined) {
      reasons.push(
        `release ${manifest.release} needs ${whatImage(topology, role, inRelease.recipe, image !== undefined, region)}`,
      );
      continue;
    }
    roles[role] = { imageId, recipe: inRelease.recipe, userData: inRelease.userData };
  }
  return reasons.length === 0 ? { kind: "found", roles } : { kind: "refused", reasons };
}

/** The image that a release lacks, and what brings it. */
function whatImage(
  topology: Topology,
  role: string,
  recipe: string,
  isElsewhere: boolean,
  region: string,
): string {
  const { image } = topology.roles[role]!;
  if (!("taken" in image) || takenIdentity(image.taken) !== recipe)
    return `an image of recipe ${recipe.slice(0, 12)} for role ${role}, and ${isElsewhere ? `it has no copy in ${region}` : "none was baked"}; bake it: rekindle bake`;
  const lack = isElsewhere ? `has no copy in ${region}` : "was not taken";
  return `image ${image.taken} for role ${role}, which ${lack}; take it: rekindle image <server> --name ${image.taken}`;
}
