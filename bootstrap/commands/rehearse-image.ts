import { renderBakeUserData, successMark } from "../../cloud-init/bake.ts";
import { encodeUserData } from "../../cloud-init/user-data.ts";
import { builderProfile } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { Stage } from "../edges/stage.ts";
import { RekindleError } from "../errors.ts";
import { type Recipe, recipeDigest } from "../image/recipe.ts";
import type { RehearsedServer } from "../rehearsal/server.ts";

const consoleLines = 20;

export interface GoldenDisk {
  disk: string;
  recipe: string;
  origin: "baked" | "saved";
}

/** The role's golden image, from the cache; where it is not there it is baked, as `bake` does, and kept. */
export async function goldenImage(
  context: { topology: Topology; role: string; recipe: Recipe; print(line: string): void },
  stage: Stage,
  server: RehearsedServer,
): Promise<GoldenDisk> {
  const { topology, role } = context;
  const recipe = recipeDigest(context.recipe);
  const saved = await stage.image(recipe);
  if (saved !== undefined) return { disk: saved, recipe, origin: "saved" };
  context.print(`baking the image of ${role} (recipe ${recipe.slice(0, 12)}): once for each recipe`);
  const { name, account, roles } = topology.environment;
  const { console, save } = await stage.bake({
    address: server.address,
    account,
    instanceType: roles[role]!.instanceType,
    profile: builderProfile(name),
    userData: encodeUserData(renderBakeUserData({ ...context.recipe, recipeDigest: recipe })),
  });
  if (console.includes(successMark(recipe))) return { disk: await save(recipe), recipe, origin: "baked" };
  throw new RekindleError(
    "tool-failed",
    `the image of ${role} could not be baked: its builder ended without its success mark, with the lines below; correct the recipe, then run again`,
    { details: console.trimEnd().split("\n").slice(-consoleLines) },
  );
}
