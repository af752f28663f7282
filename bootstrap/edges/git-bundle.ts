import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { RekindleError } from "../errors.ts";
import type { GitRef } from "../history/git-refs.ts";
import { gitIn } from "./git-process.ts";
import { describeEnding, runForBytes, succeeded } from "./process.ts";

/** The history that leads to a repository's commits, packed for those who have a part of it already. */
export interface GitHistory {
  /** Why bundles can't be made here: a part of the history was never fetched. Nothing when all of it is here. */
  incomplete(): Promise<"shallow" | "partial" | undefined>;
  /** Its own branches and tags, as far as they stand for commits. */
  refs(): Promise<GitRef[]>;
  /** The commits of branches and tags that did not lead to this one. */
  aside(commit: string): Promise<string[]>;
  /** Those of the commits that this repository has. */
  known(commits: readonly string[]): Promise<string[]>;
  /** Whether the commit or one that led to it is missing from what those commits lead to. */
  adds(commit: string, without: readonly string[]): Promise<boolean>;
  /** A bundle of the commit and all that led to it, less what led to the others. */
  bundle(commit: string, without: readonly string[]): Promise<Buffer>;
}

/** The branch of a restored repository, when the commit was published from none. */
const defaultBranch = "main";

export function gitHistory(root: string): GitHistory {
  const git = gitIn(root);
  return {
    async incomplete() {
      if ((await git.must(["rev-parse", "--is-shallow-repository"])) === "true") return "shallow";
      return succeeded(await git.try(["config", "--get", "extensions.partialClone"])) ? "partial" : undefined;
    },
    refs: () => listRefs(root, []),
    async aside(commit) {
      const refs = await listRefs(root, [`--no-merged=${commit}`]);
      return [...new Set(refs.map(({ commit }) => commit))];
    },
    async known(commits) {
      if (commits.length === 0) return [];
      const answers = await git.must(["cat-file", "--batch-check"], lines(commits));
      return answers
        .split("\n")
        .filter((line) => line.split(" ")[1] === "commit")
        .map((line) => line.split(" ")[0]!);
    },
    async adds(commit, without) {
      return (
        (await git.must(["rev-list", "--max-count=1", "--stdin"], lines([commit, ...not(without)]))) !== ""
      );
    },
    async bundle(commit, without) {
      const objects = resolve(root, await git.must(["rev-parse", "--git-path", "objects"]));
      const format = await git.must(["rev-parse", "--show-object-format"]);
      const branch = await branchAt(root, commit);
      const folder = await mkdtemp(join(tmpdir(), "rekindle-bundle-"));
      try {
        // A bundle is of refs, and the commit may have none. The ref is made in a repository aside that borrows the
        // objects, so that publishing writes nothing into the user's.
        const aside = join(folder, "aside.git");
        await gitIn(folder).must([
          "init",
          "--quiet",
          "--bare",
          "--template=",
          `--object-format=${format}`,
          aside,
        ]);
        await writeFile(join(aside, "objects/info/alternates"), `${objects}\n`);
        await gitIn(aside).must(["update-ref", `refs/heads/${branch}`, commit]);
        const file = join(folder, "history.bundle");
        // What is packed already goes out as it is. The rest is not searched for likeness: that takes longer than
        // sending it, and a release waits for it.
        await gitIn(aside).must(
          ["-c", "pack.window=0", "-c", "pack.compression=1", "bundle", "create", "--quiet", file, "--stdin"],
          lines([`refs/heads/${branch}`, ...not(without)]),
        );
        return await readFile(file);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Branches and tags; those of something else than a commit are passed over. */
async function listRefs(root: string, options: readonly string[]): Promise<GitRef[]> {
  const format = "%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)";
  const listed = await gitIn(root).must([
    "for-each-ref",
    `--format=${format}`,
    ...options,
    "refs/heads",
    "refs/tags",
  ]);
  const refs = listed.split("\n").flatMap((line): (GitRef & { id: string })[] => {
    const [name = "", type, id = "", meant, commit = ""] = line.split(" ");
    if (type === "commit") return [{ name, commit: id, id }];
    return type === "tag" && meant === "commit" ? [{ name, commit, id }] : [];
  });
  const annotated = refs.filter(({ id, commit }) => id !== commit).map(({ id }) => id);
  const tags = await tagObjects(root, annotated);
  return refs.map(({ name, commit, id }) => ({
    name,
    commit,
    ...(id === commit ? {} : { tag: tags.get(id)! }),
  }));
}

/** By id, in base64: their names are the digests of their bytes. */
async function tagObjects(root: string, ids: readonly string[]): Promise<Map<string, string>> {
  const tags = new Map<string, string>();
  if (ids.length === 0) return tags;
  const { ending, stdout } = await runForBytes("git", ["cat-file", "--batch"], {
    cwd: root,
    input: lines(ids),
  });
  if (ending.kind !== "exited" || ending.code !== 0)
    throw new RekindleError(
      "tool-failed",
      `git cat-file in ${root} ${describeEnding(ending)}; look at \`git fsck\``,
    );
  let at = 0;
  for (const id of ids) {
    // `<id> tag <size>`, the bytes, and a line's end.
    const start = stdout.indexOf(10, at) + 1;
    const end = start + Number(stdout.subarray(at, start).toString().split(" ")[2]);
    tags.set(id, stdout.subarray(start, end).toString("base64"));
    at = end + 1;
  }
  return tags;
}

async function branchAt(root: string, commit: string): Promise<string> {
  const git = gitIn(root);
  const head = await git.try(["symbolic-ref", "--quiet", "HEAD"]);
  const ref = head.stdout.trim();
  if (!succeeded(head) || !ref.startsWith("refs/heads/")) return defaultBranch;
  return (await git.must(["rev-parse", "--verify", ref])) === commit
    ? ref.slice("refs/heads/".length)
    : defaultBranch;
}

function not(commits: readonly string[]): string[] {
  return commits.map((commit) => `^${commit}`);
}

/** By standard input, since a long history has more bundles than a command line takes. */
function lines(words: readonly string[]): string {
  return words.map((word) => `${word}\n`).join("");
}
