import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { RekindleError } from "../errors.ts";
import type { GitBundle } from "../history/git-bundles.ts";
import type { GitRef } from "../history/git-refs.ts";
import { type GitIn, gitIn, said } from "./git-process.ts";
import { succeeded } from "./process.ts";

/** What became of one bundle: its branch, or why it was not taken in. */
export type Taken = { kind: "taken"; branch: string } | { kind: "refused"; reason: string };

/** A repository that comes back from bundles. Nothing is in the folder until it is whole. */
export interface Restoration {
  /** Verifies a bundle and takes it in; a refused one leaves no trace. */
  take(bundle: GitBundle, content: Uint8Array): Promise<Taken>;
  /** Whether the commit, and so everything that led to it, is there. */
  has(commit: string): Promise<boolean>;
  /**
   * Checks out the commit on the branch, gives the others their names, checks everything, and puts the repository in
   * its place. Tells the names whose commits are not there.
   */
  finish(branch: string, commit: string, refs: readonly GitRef[]): Promise<string[]>;
  discard(): Promise<void>;
}

/** Begins aside of the folder, on its file system, so that one rename ends it. */
export async function restoreInto(folder: string, format: "sha1" | "sha256"): Promise<Restoration> {
  const target = resolve(folder);
  await refuseOccupied(target);
  await mkdir(dirname(target), { recursive: true });
  const aside = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  const work = join(aside, "repository");
  await gitIn(aside).must(["init", "--quiet", `--object-format=${format}`, work]);
  const git = gitIn(work);
  const has = async (commit: string) => {
    // A ref, not an object: only what a fetch ended with is known to be complete.
    const refs = await git.try(["for-each-ref", "--count=1", `--contains=${commit}`, kept]);
    return succeeded(refs) && refs.stdout !== "";
  };
  return {
    has,
    async take({ sequence, tip }, content) {
      const file = join(aside, "next.bundle");
      await writeFile(file, content);
      const verified = await git.try(["bundle", "verify", file]);
      if (!succeeded(verified)) return { kind: "refused", reason: said(verified).join(", ") };
      const heads = (await git.must(["bundle", "list-heads", file]))
        .split("\n")
        .map((line) => line.split(" "));
      const ref = heads.find(([id]) => id === tip)?.[1];
      if (!ref?.startsWith("refs/heads/")) return { kind: "refused", reason: `it holds no branch at ${tip}` };
      // No collection of garbage: it would run on in the background while the folder is renamed.
      const fetch = ["-c", "gc.auto=0", "-c", "maintenance.auto=false", "fetch", "--quiet", "--no-tags"];
      const fetched = await git.try([...fetch, file, `+${ref}:${keep(sequence, tip)}`]);
      if (!succeeded(fetched)) return { kind: "refused", reason: said(fetched).join(", ") };
      return { kind: "taken", branch: ref.slice("refs/heads/".length) };
    },
    async finish(branch, commit, refs) {
      const head = `refs/heads/${branch}`;
      await git.must(["symbolic-ref", "HEAD", head]);
      await git.must(["update-ref", head, commit]);
      const missing: string[] = [];
      const there = new Set((await git.must(["rev-list", `--glob=${kept}`])).split("\n"));
      for (const ref of refs.filter(({ name }) => name !== head))
        if (!there.has(ref.commit) || !(await name(git, aside, ref))) missing.push(ref.name);
      // Histories that were rewritten, or are ahead of what was published last, stay as branches of a remote.
      const forget = linesOf(
        await git.must(["for-each-ref", "--format=%(refname)", `--merged=${commit}`, kept]),
      );
      const rest = await git.must([
        "for-each-ref",
        "--format=%(objectname) %(refname)",
        `--no-merged=${commit}`,
        kept,
      ]);
      for (const [id, ref] of linesOf(rest).map((line) => line.split(" "))) {
        const named = await git.must([
          "for-each-ref",
          "--count=1",
          `--contains=${id}`,
          "refs/heads",
          "refs/tags",
        ]);
        if (named !== "") forget.push(ref!);
      }
      await git.must(["update-ref", "--stdin"], forget.map((name) => `delete ${name}\n`).join(""));
      await git.must(["reset", "--quiet", "--hard", commit]);
      await git.must(["fsck", "--full", "--no-progress"]);
      await rename(work, target);
      await rm(aside, { recursive: true, force: true });
      return missing;
    },
    discard: () => rm(aside, { recursive: true, force: true }),
  };
}

/** Makes a branch or tag as it was; false for a name that git does not take, whoever wrote it there. */
async function name(git: GitIn, aside: string, { name, commit, tag }: GitRef): Promise<boolean> {
  if (!/^refs\/(heads|tags)\//.test(name)) return false;
  let object = commit;
  if (tag !== undefined) {
    const file = join(aside, "tag");
    await writeFile(file, Buffer.from(tag, "base64"));
    const written = await git.try(["hash-object", "-t", "tag", "-w", file]);
    if (!succeeded(written)) return false;
    object = written.stdout.trim();
  }
  return succeeded(await git.try(["update-ref", name, object]));
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

const kept = "refs/remotes/published";

function keep(sequence: number, tip: string): string {
  return `${kept}/${sequence}-${tip.slice(0, 12)}`;
}

async function refuseOccupied(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new RekindleError(
      "bad-input",
      `${folder} can't be cloned into: ${error.message}; name another folder`,
      {
        cause: error,
      },
    );
  });
  if (entries.length === 0) return;
  throw new RekindleError(
    "refused",
    `${folder} is not empty (${entries.slice(0, 3).join(", ")}); nothing was written; name another folder`,
  );
}
