import type { BaseImage } from "../config/schema.ts";
import { canonicalJson, sha256 } from "../release/digest.ts";

/** A file that is baked into an image. */
export interface RecipeFile {
  /** Absolute path on the server. */
  path: string;
  mode: string;
  content: Uint8Array;
}

/** Everything that decides what a golden image contains. */
export interface Recipe {
  base: BaseImage;
  rootVolumeGiB: number;
  packages: string[];
  files: RecipeFile[];
  bootScript: Uint8Array;
}

/** The identity of every image baked from the recipe: it changes when, and only when, the recipe does. */
export function recipeDigest(recipe: Recipe): string {
  return sha256(
    canonicalJson({
      base: recipe.base,
      rootVolumeGiB: recipe.rootVolumeGiB,
      packages: [...recipe.packages].sort(),
      files: recipe.files
        .map(({ path, mode, content }) => ({ path, mode, sha256: sha256(content) }))
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
      bootScript: sha256(recipe.bootScript),
    }),
  );
}
