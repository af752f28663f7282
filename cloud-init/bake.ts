export interface BakeRecipe {
  packages: string[];
  files: { path: string; mode: string; content: Uint8Array }[];
  bootScript: Uint8Array;
  recipeDigest: string;
}
export function successMark(recipeDigest: string): string {
  return `rekindle-bake-ok ${recipeDigest}`;
}
export function renderBakeUserData(recipe: BakeRecipe): string {
  return `#cloud-config\npackages: ${JSON.stringify(recipe.packages)}\nruncmd:\n  - echo ${successMark(recipe.recipeDigest)}\n`;
}
