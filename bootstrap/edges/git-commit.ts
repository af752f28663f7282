import { randomUUID } from "node:crypto";
import { existsSync, lstatSync } from "node:fs";
import { mkdir, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { GitError, type SimpleGit, simpleGit } from "simple-git";
import { RekindleError } from "../errors.ts";
import { hasCode } from "./hosts/source.ts";
import { describeEnding, run, succeeded } from "./process.ts";

/** Commits some paths and nothing else: what a user has staged or left lying about stays as it is. */
export interface Commits {
  /** What differs from HEAD below some paths, ignored or not. */
  changes(below: readonly string[]): Promise<Map<string, "added" | "changed" | "removed">>;
  /** A text file as HEAD has it; nothing when it has none. */
  atHead(path: string): Promise<string | undefined>;
  /** Makes one commit of exactly these paths, which differ from HEAD. Gives its id. */
  commit(paths: readonly string[], message: string): Promise<string>;
  messageOf(commit: string): Promise<string>;
  /** Removes the locks of a git that was killed. Only for after a run of ours that was: a user's are a user's. */
  breakLocks(): Promise<void>;
}

/** `folder` is a place for lists of paths, in a file because they may be longer than a command line. */
export function gitCommits(root: string, folder: string): Commits {
  const git = simpleGit({ baseDir: root });
  let known: Promise<string> | undefined;
  // Where the project is in its repository, which does not change.
  const prefix = () => {
    known ??= git.revparse(["--show-prefix"]).then((said) => said.trim());
    return known;
  };
  const lists = async <T>(paths: readonly string[], use: (options: string[]) => Promise<T>): Promise<T> => {
    await mkdir(folder, { recursive: true });
    const list = join(folder, `paths-${randomUUID()}`);
    try {
      await writeFile(list, paths.map((path) => `${path}\0`).join(""));
      return await use([`--pathspec-from-file=${list}`, "--pathspec-file-nul"]);
    } finally {
      await rm(list, { force: true });
    }
  };
  const commits: Commits = {
    async changes(below) {
      const { length } = await prefix();
      const status = await git.raw([
        ...plainly,
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=all",
        "--ignored=traditional",
        "--no-renames",
        "--",
        ...below,
      ]);
      const entries = status.split("\0").filter((entry) => entry !== "");
      return new Map(entries.map((entry) => [entry.slice(3 + length), kindOf(entry.slice(0, 2))]));
    },
    async atHead(path) {
      return git.show([`HEAD:./${path}`]).catch(() => undefined);
    },
    async breakLocks() {
      const branch = await git.raw(["symbolic-ref", "--quiet", "HEAD"]).catch(() => "");
      const names = ["index", "HEAD", ...(branch === "" ? [] : [branch.trim()])].map(
        (name) => `${name}.lock`,
      );
      const paths = await Promise.all(names.map((name) => git.revparse(["--git-path", name])));
      const locks = paths.map((path) => resolve(root, path)).filter((path) => existsSync(path));
      if (locks.length === 0 || (await isGitRunning((await git.revparse(["--show-toplevel"])).trim())))
        return;
      for (const path of locks) await rm(path, { force: true });
    },
    messageOf: (commit) => git.raw(["show", "--no-patch", "--format=%B", commit]),
    async commit(all, message) {
      const { there, gone } = byFate(root, all);
      const paths = [...there, ...gone];
      // A run that was killed here may have staged some of them already.
      if (gone.length > 0)
        await lists(gone, (listed) =>
          git.raw([...plainly, "rm", "--cached", "--quiet", "--ignore-unmatch", ...listed]),
        );
      if (there.length > 0)
        await lists(there, (listed) => git.raw([...plainly, "add", "--force", ...listed]));
      await refuseOtherBytes(git, root, await prefix(), paths, () =>
        lists(paths, (listed) => git.raw([...plainly, "reset", "--quiet", ...listed])),
      );
      await lists(paths, async (listed) =>
        git.raw([
          ...plainly,
          ...(await author(git)),
          "commit",
          "--quiet",
          "--only",
          `--message=${message}`,
          ...listed,
        ]),
      );
      return (await git.revparse(["HEAD"])).trim();
    },
  };
  return {
    ...commits,
    breakLocks: () => inWords(root, commits.breakLocks),
    changes: (below) => inWords(root, () => commits.changes(below)),
    messageOf: (commit) => inWords(root, () => commits.messageOf(commit)),
    commit: (paths, message) => inWords(root, () => commits.commit(paths, message)),
  };
}

/** Whether a git works in this repository; true where there is no /proc to tell. */
async function isGitRunning(top: string): Promise<boolean> {
  const processes = await readdir("/proc").catch(() => undefined);
  if (processes === undefined) return true;
  const folders = await Promise.all(
    processes.map(async (one) => {
      const name = await readFile(`/proc/${one}/comm`, "utf8").catch(() => "");
      if (!name.startsWith("git")) return undefined;
      // It may have ended meanwhile; another user's may work anywhere.
      return readlink(`/proc/${one}/cwd`).catch((error) =>
        hasCode(error, "ENOENT", "ESRCH") ? undefined : top,
      );
    }),
  );
  return folders.some((folder) => folder !== undefined && `${folder}/`.startsWith(`${top}/`));
}

/** A full disk, a hook that refuses, an index that is locked: what git says of it, and no fault of ours. */
async function inWords<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new RekindleError(
      "tool-failed",
      `git failed in ${root}; mend what it names, then run again: that run goes on from here`,
      { details: error.message.split("\n").filter((line) => line.trim() !== ""), cause: error },
    );
  }
}

/**
 * What is to be added, and what is to be removed. A file that became a folder, or was in a folder that became a file,
 * goes by itself when what took its place is added; named, it would mean what is there now.
 */
function byFate(root: string, paths: readonly string[]): { there: string[]; gone: string[] } {
  const isThere = (path: string) => {
    try {
      return !lstatSync(join(root, path)).isDirectory();
    } catch {
      // Gone, or below what is no folder any more.
      return false;
    }
  };
  const there = new Set(paths.filter(isThere));
  const above = new Set([...there].flatMap(foldersOf));
  const isReplaced = (path: string) => above.has(path) || foldersOf(path).some((one) => there.has(one));
  return { there: [...there], gone: paths.filter((path) => !there.has(path) && !isReplaced(path)) };
}

function foldersOf(path: string): string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
}

/** Paths are no patterns, and bytes and modes are kept as they are, whatever the user's settings for work by hand. */
const plainly = [
  "--literal-pathspecs",
  "-c",
  "core.autocrlf=false",
  "-c",
  "core.safecrlf=false",
  "-c",
  "core.fileMode=true",
];

function kindOf(status: string): "added" | "changed" | "removed" {
  if (status === "??" || status === "!!" || status === "A ") return "added";
  return status.includes("D") ? "removed" : "changed";
}

/** A timer's service has no user whose name git could take. */
async function author(git: SimpleGit): Promise<string[]> {
  const known = await git.raw(["config", "--get", "user.email"]).catch(() => "");
  if (known.trim() !== "") return [];
  return ["-c", "user.name=rekindle collect", "-c", `user.email=rekindle@${hostname()}`];
}

/** Attributes may make git keep other bytes than the file's; a backup that does is none. */
async function refuseOtherBytes(
  git: SimpleGit,
  root: string,
  prefix: string,
  paths: readonly string[],
  undo: () => Promise<unknown>,
): Promise<void> {
  const wanted = new Set(paths);
  const staged = (await git.raw([...plainly, "ls-files", "--stage", "-z", "--full-name"]))
    .split("\0")
    .flatMap((entry) => {
      const [, mode, id, path] = /^(\d+) (\w+) \d\t(.*)$/s.exec(entry) ?? [];
      const own = path?.slice(prefix.length) ?? "";
      return mode?.startsWith("100") && wanted.has(own) ? [{ id: id!, path: own }] : [];
    });
  // In full: below the repository's root, git would look for them at the root.
  const input = staged.map(({ path }) => `${join(root, path)}\n`).join("");
  const hashed = await run("git", ["hash-object", "--no-filters", "--stdin-paths"], { cwd: root, input });
  if (!succeeded(hashed))
    throw new RekindleError("tool-failed", `git hash-object ${describeEnding(hashed.ending)} in ${root}`, {
      details: hashed.stderr.split("\n").filter((line) => line !== ""),
    });
  const ids = hashed.stdout.split("\n");
  const others = staged.filter(({ id }, index) => id !== ids[index]).map(({ path }) => path);
  if (others.length === 0) return;
  await undo();
  throw new RekindleError(
    "refused",
    `.gitattributes would make git keep other bytes than ${others.length} of the collected files have; ` +
      "add a last line to it: configs/roles/*/files/** -text -filter -ident -working-tree-encoding",
    { details: others.slice(0, 20) },
  );
}
