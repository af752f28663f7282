import type { Catalog } from "../edges/catalog.ts";
import type { Repository } from "../edges/git.ts";
import { RekindleError } from "../errors.ts";
import type { Change } from "../history/compare.ts";
import type { PublicKey } from "../release/signature.ts";
import type { TreeEntry } from "../release/tree.ts";
import { chosenEntries, fileChanges, unmatched } from "../restore/files.ts";
import { storedSide } from "./diff.ts";

/** Where files are put: a server's root, or a folder that stands for it. */
export interface FilesTarget {
  name: string;
  /** Templates are filled in there, and owners set. */
  isLive: boolean;
  /** What lies at these paths, without their leading slashes; what is not there is left out. */
  read(paths: readonly string[]): Promise<TreeEntry[]>;
  /** Each is replaced whole, all or none of them. Gives where copies of what was replaced are; nothing when there are none. */
  put(role: string, entries: readonly TreeEntry[]): Promise<string | undefined>;
}

export interface RestoreFilesContext {
  /** A release, a time, a git revision, or `current`. */
  state: string;
  role: string;
  /** Globs of paths on the server; all files when empty. */
  paths: readonly string[];
  environment: string;
  repository: Pick<Repository, "resolve" | "files">;
  /** The recovery region's first. Asked for only when the state needs them. */
  catalogs(): Promise<readonly Catalog[]>;
  /** A release that none of these has signed is not restored from. */
  trusted(): Promise<readonly PublicKey[]>;
  target: FilesTarget;
  dryRun: boolean;
}

export interface RestoredFiles {
  /** What the files come from: a release, or the revision as it was named. */
  from: string;
  changes: Change[];
  /** Where copies of what was replaced lie. */
  kept: string | undefined;
}

/** Brings a role's files back from an earlier state of the configuration. Removes nothing. */
export async function restoreFiles(context: RestoreFilesContext): Promise<RestoredFiles> {
  const { role, paths, target, dryRun } = context;
  const from = context.state === "current" ? await currentRelease(await context.catalogs()) : context.state;
  const side = await storedSide({ ...context, trusted: await context.trusted() }, from);
  const tree = side.roles[role]?.tree;
  if (tree === undefined)
    throw new RekindleError("bad-input", `${from} has no role ${JSON.stringify(role)}; correct --role`);
  const strangers = unmatched(tree, paths);
  if (strangers.length > 0)
    throw new RekindleError(
      "bad-input",
      `${from} has nothing of ${strangers.join(", ")} in role ${role}; see what it has: rekindle restore files ${context.state} --role ${role} --to-folder <new folder> --dry-run`,
    );
  const wanted = chosenEntries(tree, paths);
  const present = await target.read(wanted.map(({ path }) => path));
  const changes = fileChanges(role, wanted, present, target);
  if (dryRun || changes.length === 0) return { from, changes, kept: undefined };
  const kept = await target.put(
    role,
    changes.map(({ after }) => after!),
  );
  return { from, changes, kept };
}

async function currentRelease(catalogs: readonly Catalog[]): Promise<string> {
  for (const catalog of catalogs) {
    const found = await catalog.pointer();
    if (found !== undefined) return found.pointer.release;
  }
  throw new RekindleError("bad-input", "nothing is published yet; name a commit");
}
