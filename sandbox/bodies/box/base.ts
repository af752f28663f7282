import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeEnding, run, succeeded } from "../../../bootstrap/edges/process.ts";
import { commandLine } from "../../processes.ts";
import { type BaseRecipe, packageHosts, recipeDigest } from "../base-recipe.ts";
import { endingWithUs } from "./programs.ts";

/** The tree of a recipe's base image, built where it is not in the cache. Takes a minute and a Debian mirror, once. */
export async function baseTree(
  cache: string,
  recipe: BaseRecipe,
  say: (line: string) => void,
): Promise<string> {
  const digest = recipeDigest(recipe, process.arch);
  const tree = join(cache, digest);
  if (existsSync(tree)) return tree;
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  // Only one of those who build it at the same time can give it its name; the others use that one.
  const aside = `${tree}.${process.pid}`;
  say(
    `building the base image from Debian's packages (${recipe.suite}, ${digest.slice(0, 12)}): once, about a minute`,
  );
  try {
    await bootstrap(recipe, aside);
    await finish(recipe, aside);
    await rename(aside, tree).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  say(`built the base image ${digest.slice(0, 12)}`);
  return tree;
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
  if (succeeded(built)) return;
  // apt's and dpkg's own reasons, out of all that they say; a disk that is full is said in many ways.
  const said = built.stderr
    .split(/[\r\n]+/)
    .filter((line) => /^\s*(E:|W:|Err:|dpkg: error)|no space left/i.test(line));
  throw new Error(
    `the base image can't be built: mmdebstrap ${describeEnding(built.ending)}\n${said.slice(-12).join("\n")}\n` +
      `it needs the hosts ${[...packageHosts({ sources })].join(", ")}, and 1 GB of space in ${dirname(tree)}; try again when they are there`,
  );
}

async function finish({ files }: BaseRecipe, tree: string): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  }
}

/** What builders left that were killed. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = /\.(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && (await commandLine(Number(pid))) === undefined)
      await rm(join(cache, name), { recursive: true, force: true });
  }
}
