import { type SimpleGit, simpleGit } from "simple-git";
import { RekindleError } from "../errors.ts";

/** A file as git keeps it: exact bytes, and the executable bit as `0755` or `0644`. */
export interface CommittedFile {
  content: Uint8Array;
  mode: "0644" | "0755";
}

/** The repository that holds the configuration. Reads commits, never the work tree, so a dirty tree leaks nothing. */
export interface Repository {
  /** The full id of a commit. */
  resolve(revision: string): Promise<string>;
  /** Paths below the given folders that differ from HEAD or are untracked. */
  dirty(folders: readonly string[]): Promise<string[]>;
  /** Every file below the given folders at a commit. Links and submodules are refused. */
  files(commit: string, folders: readonly string[]): Promise<Map<string, CommittedFile>>;
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
    async files(commit, folders) {
      const listing = await git.raw(["ls-tree", "-r", "-z", "--full-tree", commit, "--", ...folders]);
      const entries = listing
        .split("\0")
        .filter((entry) => entry !== "")
        .map(parseEntry);
      const read = async ({ path, mode, id }: TreeEntry): Promise<[string, CommittedFile]> => [
        path,
        { content: (await git.binaryCatFile(["blob", id])) as Buffer, mode: fileMode(path, mode, commit) },
      ];
      return new Map(await Promise.all(entries.map(read)));
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

function fileMode(path: string, mode: string, commit: string): "0644" | "0755" {
  if (mode === "100644") return "0644";
  if (mode === "100755") return "0755";
  const what = mode === "120000" ? "a symbolic link" : "a submodule";
  throw new RekindleError(
    "bad-input",
    `${path} at commit ${commit.slice(0, 12)} is ${what}, which a release does not carry; commit a regular file instead`,
  );
}
