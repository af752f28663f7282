import { dirname } from "node:path";
import { run, succeeded } from "../../../bootstrap/edges/process.ts";
import { cachedBase } from "../base-cache.ts";
import { type BaseRecipe, howMadeOfPackages, recipeDigest } from "../base-recipe.ts";
import { whyNotBuilt, writeFiles } from "../base-tree.ts";
import { endingWithUs } from "./programs.ts";

/** The tree of a recipe's base image, built where it is not in the cache. Takes a minute and a Debian mirror, once. */
export async function baseTree(
  cache: string,
  recipe: BaseRecipe,
  say: (line: string) => void,
): Promise<string> {
  const digest = recipeDigest(recipe, process.arch);
  const make = async (aside: string) => {
    await bootstrap(recipe, aside);
    await writeFiles(recipe, aside);
  };
  return await cachedBase(cache, { digest, how: howMadeOfPackages(recipe, digest), make }, say);
}

async function bootstrap({ suite, sources, packages, remove }: BaseRecipe, tree: string): Promise<void> {
  const [command, args] = endingWithUs(
    "unshare",
    // What it mounts while it builds is gone with it.
    ...["--mount", "--propagation=private", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"],
    ...["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"],
    ...['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::http::Timeout "15"'],
    `--include=${packages.join(",")}`,
    `--customize-hook=cd "$1" && rm -rf ${remove.map((path) => `.${path}`).join(" ")}`,
    ...[suite, tree, ...sources],
  );
  const built = await run(command, args);
  if (!succeeded(built)) throw new Error(whyNotBuilt(built, sources, dirname(tree)));
}
