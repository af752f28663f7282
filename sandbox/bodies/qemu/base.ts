import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeEnding, run, succeeded } from "../../../bootstrap/edges/process.ts";
import { cachedBase } from "../base-cache.ts";
import { type BaseRecipe, howMadeOfPackages, recipeDigest } from "../base-recipe.ts";
import { whyNotBuilt, writeFiles } from "../base-tree.ts";
import { endingWithUs } from "./programs.ts";

/** A disk with a Debian on it, and what boots it: taken out of it where it has no boot loader of its own. */
export type Base =
  | { kind: "kernel"; disk: string; kernel: string; initrd: string }
  | { kind: "image"; disk: string };

/** As large as the root volume of Debian's own images; what is not written takes no space. */
export const rootSize = "8G";

export async function baseOf(cache: string, recipe: BaseRecipe, say: (line: string) => void): Promise<Base> {
  const digest = recipeDigest(recipe, process.arch);
  const make = (aside: string) => build(recipe, aside);
  const folder = await cachedBase(cache, { digest, how: howMadeOfPackages(recipe, digest), make }, say);
  return {
    kind: "kernel",
    disk: join(folder, "disk"),
    kernel: join(folder, "kernel"),
    initrd: join(folder, "initrd"),
  };
}

async function build(recipe: BaseRecipe, aside: string): Promise<void> {
  const { suite, sources, packages, remove } = recipe;
  await mkdir(aside);
  const files = await mkdtemp(join(aside, "files-"));
  await writeFiles(recipe, files);
  const tar = join(aside, "tree.tar");
  const [command, args] = endingWithUs(
    "mmdebstrap",
    // With its lists of packages a builder has nothing to read and sort again that has not changed since.
    ...["--variant=minbase", "--format=tar", "--skip=cleanup/apt/lists"],
    ...['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::http::Timeout "15"'],
    `--include=${packages.join(",")}`,
    // The initial RAM disk is made with the recipe's settings for it.
    `--customize-hook=cp -rT '${files}' "$1" && chroot "$1" update-initramfs -u -k all`,
    `--customize-hook=cd "$1" && rm -rf ${remove.map((path) => `.${path}`).join(" ")}`,
    ...[suite, tar, ...sources],
  );
  const built = await run(command, args);
  if (!succeeded(built)) throw new Error(whyNotBuilt(built, sources, dirname(aside)));
  const made = await run(...asRoot("sh", "-c", makeDisk, "sh", aside, files, rootSize));
  if (!succeeded(made))
    throw new Error(
      `the base image's disk can't be made: it ${describeEnding(made.ending)}\n${made.stderr.trim().split("\n").slice(-5).join("\n")}`,
    );
  await rm(tar);
  await rm(files, { recursive: true });
}

/** As root, or in a user namespace where files may belong to whomever they are to belong to. */
function asRoot(command: string, ...args: string[]): [string, string[]] {
  if (process.getuid?.() === 0) return endingWithUs(command, ...args);
  return endingWithUs("unshare", "--map-root-user", "--map-auto", command, ...args);
}

/** The kernel and the disk of a tree. mmdebstrap writes some of the files again in the end, so they are copied once more. */
const makeDisk = `
set -eu
cd "$1"
mkdir tree
tar -C tree --numeric-owner --xattrs --xattrs-include='*' -xf tree.tar
cp -rT "$2" tree
cp tree/boot/vmlinuz-* kernel
cp tree/boot/initrd.img-* initrd
rm tree/boot/initrd.img-*
mke2fs -q -t ext4 -L root -m 0 -E lazy_itable_init=0,lazy_journal_init=0 -d tree disk "$3"
rm -rf tree
`;
