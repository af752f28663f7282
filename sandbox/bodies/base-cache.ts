import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { asideOf, removeAbandoned } from "../abandoned.ts";
import { type BaseRecipe, recipeDigest } from "./base-recipe.ts";

/** A folder that is made from a recipe once, and is then in the cache under the recipe's digest. */
export async function cachedBase(
  cache: string,
  recipe: BaseRecipe,
  say: (line: string) => void,
  build: (aside: string) => Promise<void>,
): Promise<string> {
  const digest = recipeDigest(recipe, process.arch);
  const made = join(cache, digest);
  if (existsSync(made)) return made;
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  // Only one of those who build it at the same time can give it its name; the others use that one.
  const aside = asideOf(made);
  say(
    `building the base image from Debian's packages (${recipe.suite}, ${digest.slice(0, 12)}): once, about a minute`,
  );
  try {
    await build(aside);
    await rename(aside, made).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  say(`built the base image ${digest.slice(0, 12)}`);
  return made;
}
