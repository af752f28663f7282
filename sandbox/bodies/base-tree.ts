import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeEnding, type Finished } from "../../bootstrap/edges/process.ts";
import { type BaseRecipe, packageHosts } from "./base-recipe.ts";

/** Writes a recipe's own files into a tree. */
export async function writeFiles({ files }: Pick<BaseRecipe, "files">, tree: string): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  }
}

/** Why mmdebstrap made no tree, in its own words, and what to look at. */
export function whyNotBuilt(
  { ending, stderr }: Finished,
  sources: BaseRecipe["sources"],
  folder: string,
): string {
  // apt's and dpkg's own reasons, out of all that they say; a disk that is full is said in many ways.
  const said = stderr
    .split(/[\r\n]+/)
    .filter((line) => /^\s*(E:|W:|Err:|dpkg: error)|no space left/i.test(line));
  return (
    `the base image can't be built: mmdebstrap ${describeEnding(ending)}\n${said.slice(-12).join("\n")}\n` +
    `it needs the hosts ${[...packageHosts({ sources })].join(", ")}, and 1 GB of space in ${folder}; try again when they are there`
  );
}
