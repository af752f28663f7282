import { createHash } from "node:crypto";
import { type BaseRecipe, recipeDigest } from "../base-recipe.ts";
import { adoptedRecipe } from "./adoption.ts";
import { imageWish, type NamedImage } from "./named-image.ts";
import { qemuBase } from "./recipe.ts";

/** What the base image is made of: Debian's packages, or an official image, to which a recipe adds what it lacks. */
export type BasePlan =
  | { kind: "packages"; recipe: BaseRecipe }
  | { kind: "image"; image: NamedImage; recipe: BaseRecipe };

export function basePlan(env: NodeJS.ProcessEnv, recipe: BaseRecipe = qemuBase): BasePlan {
  const wish = imageWish(env);
  if (wish.kind === "fault") throw new Error(wish.reason);
  return wish.kind === "none"
    ? { kind: "packages", recipe }
    : { kind: "image", image: wish.image, recipe: adoptedRecipe(recipe) };
}

/** Names the base image: another image or recipe is another base. */
export function planDigest(plan: BasePlan): string {
  const ofRecipe = recipeDigest(plan.recipe, process.arch);
  if (plan.kind === "packages") return ofRecipe;
  return createHash("sha256").update(`${plan.image.checksum} ${ofRecipe}`).digest("hex");
}
