import { execFileSync } from "node:child_process";
import { type SimpleGit, simpleGit } from "simple-git";
import { type ConfigFile, type ConfigFiles, mayBeLink } from "../config/files.ts";
import { RekindleError } from "../errors.ts";
import type { CommitDescription } from "../release/history.ts";
import { describeEnding, runForBytes } from "./process.ts";

/** The repository that holds the configuration. Reads commits, never the work tree, so a dirty tree leaks nothing. */
export interface Repository {
  /** The full id of a commit. */
  resolve(revision: string): Promise<string>;
  /** Who wrote a commit, when, and its first line. */
  describe(commit: string): Promise<CommitDescription>;
  /** Paths below the given folders that differ from HEAD or are untracked. */
  dirty(folders: readonly string[]): Promise<string[]>;
  /**
   * Every file below the given folders at a commit. Submodules are refused, and links outside of roles' files. What
   * `later` says yes to is read when its content is asked for.
   */
  files(commit: string, folders: readonly string[], later?: (path: string) => boolean): Promise<ConfigFiles>;
  /** Paths below the given folders in which two commits differ; nothing when the first one is not here. */
  changed(from: string, to: string, folders: readonly string[]): Promise<string[] | undefined>;
}

export function gitRepository(root: string): Repository {
  const git = simpleGit({ baseDir: root, maxConcurrentProcesses: 8 });
  return {
    async resolve(revision) {
      const id = await lookUp(git, root, revision);
      if (id !== "") return id;
      throw new RekindleError(
        "bad-input",
        `git knows no commit ${JSON.stringify(revision)} in ${root}; name one that \`git log\` shows, or make the first one`,
      );
    },
    async describe(commit) {
      const id = await this.resolve(commit);
      const format = "--format=%an%x00%ae%x00%aI%x00%s";
      const said = await git.raw(["log", "-1", "--no-show-signature", format, id]);
      const [name, email, date, subject] = said.trimEnd().split("\0") as [string, string, string, string];
      return { author: { name, email, date }, subject };
    },
    async dirty(folders) {
      const status = await git.raw([
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        "--",
        ...folders,
      ]);
      return status
        .split("\0")
        .filter((entry) => entry !== "")
        .map((entry) => entry.slice(3));
    },
    async changed(from, to, folders) {
      if ((await lookUp(git, root, from)) === "") return undefined;
      const said = await git.raw([
        "diff-tree",
        "-r",
        "--name-only",
        "--no-renames",
        "-z",
        from,
        to,
        "--",
        ...folders,
      ]);
      return said.split("\0").filter((path) => path !== "");
    },
    async files(commit, folders, later = () => false) {
      const listing = await git.raw(["ls-tree", "-r", "-z", "--full-tree", commit, "--", ...folders]);
      const entries = listing
        .split("\0")
        .filter((entry) => entry !== "")
        .map(parseEntry);
      const modes = entries.map(({ path, mode }) => fileMode(path, mode, commit));
      const now = entries.filter(({ path }) => !later(path)).map(({ id }) => id);
      const rest = entries.filter(({ path }) => later(path)).map(({ id }) => id);
      const read = await readBlobs(root, now);
      let readLater: Map<string, Buffer> | undefined;
      return new Map(
        entries.map(({ path, id }, index): [string, ConfigFile] => {
          const [content, mode] = [read.get(id), modes[index]!];
          if (content !== undefined) return [path, { content, mode }];
          const get = () => {
            readLater ??= readBlobsNow(root, rest);
            return readLater.get(id)!;
          };
          return [path, Object.defineProperty({ mode } as ConfigFile, "content", { get, enumerable: true })];
        }),
      );
    },
  };
}

/** With --quiet an unknown revision is an empty answer; what git refuses otherwise is the repository itself. */
async function lookUp(git: SimpleGit, root: string, revision: string): Promise<string> {
  try {
    return (await git.revparse(["--verify", "--quiet", "--end-of-options", `${revision}^{commit}`])).trim();
  } catch (cause) {
    const said = (cause as Error).message.trim();
    throw new RekindleError(
      "bad-input",
      `git can't read ${root}: ${said}; a release is made of a commit: run \`git init\` there and commit`,
      { cause },
    );
  }
}

const batch = ["cat-file", "--batch", "--buffer"];

/** All of them by one process: one for each file is what makes a commit of thousands slow, and simple-git has no batch. */
async function readBlobs(root: string, ids: readonly string[]): Promise<Map<string, Buffer>> {
  const { ending, stdout, stderr } = await runForBytes("git", batch, { cwd: root, input: linesOf(ids) });
  if (ending.kind !== "exited" || ending.code !== 0) {
    throw new RekindleError(
      "tool-failed",
      `git cat-file ${describeEnding(ending)} in ${root}; check the repository with \`git fsck\``,
      { details: stderr.split("\n").filter((line) => line !== "") },
    );
  }
  return blobsIn(root, stdout, ids);
}

/** The same for whoever asks for content that was to be read later, and so can't wait. */
function readBlobsNow(root: string, ids: readonly string[]): Map<string, Buffer> {
  const stdout = execFileSync("git", batch, { cwd: root, input: linesOf(ids), maxBuffer: 2 ** 31 - 1 });
  return blobsIn(root, stdout, ids);
}

function linesOf(ids: readonly string[]): string {
  return ids.map((id) => `${id}\n`).join("");
}

function blobsIn(root: string, stdout: Buffer, ids: readonly string[]): Map<string, Buffer> {
  let at = 0;
  return new Map(
    ids.map((id) => {
      // `<id> blob <size>`, a line end, the bytes, a line end.
      const end = stdout.indexOf(10, at);
      const [, kind, size] = stdout.toString("latin1", at, end).split(" ");
      if (kind !== "blob") {
        throw new RekindleError(
          "tool-failed",
          `git in ${root} has no object ${id}; check the repository with \`git fsck\``,
        );
      }
      at = end + 2 + Number(size);
      return [id, stdout.subarray(end + 1, at - 1)];
    }),
  );
}

interface TreeEntry {
  path: string;
  mode: string;
  id: string;
}

/** `<mode> <type> <id>\t<path>` */
function parseEntry(entry: string): TreeEntry {
  const tab = entry.indexOf("\t");
  const [mode, , id] = entry.slice(0, tab).split(" ");
  return { path: entry.slice(tab + 1), mode: mode!, id: id! };
}

function fileMode(path: string, mode: string, commit: string): ConfigFile["mode"] {
  if (mode === "100644") return "0644";
  if (mode === "100755") return "0755";
  if (mode === "120000" && mayBeLink(path)) return "link";
  const what = mode === "120000" ? "a symbolic link" : "a submodule";
  throw new RekindleError(
    "bad-input",
    `${path} at commit ${commit.slice(0, 12)} is ${what}, which a release does not carry; commit a regular file instead`,
  );
}
