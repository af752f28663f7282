import type { ConfigFiles } from "../config/files.ts";
import type { Repository } from "../edges/git.ts";
import { badConfiguration } from "../errors.ts";
import { isKept, keptTrees, type PackedTree, type PackedTrees } from "../release/packed-trees.ts";
import { allowedSecretsPath, secretFaults } from "../secrets/allowed.ts";

/** What a release is made of. */
export const versioned = ["configs", "cloud-init"];

/**
 * A commit's files. One that holds a secret goes nowhere: what it would go to keeps every version. Trees that are as
 * `packed` has them are neither read nor looked through again, as long as nobody asks for their content.
 */
export async function readCommit(
  repository: Pick<Repository, "files" | "changed">,
  commit: string,
  packed?: PackedTrees,
): Promise<{ files: ConfigFiles; kept: Record<string, PackedTree> }> {
  const kept = packed === undefined ? {} : await keptSince(repository, packed, commit);
  const files = await repository.files(commit, versioned, (path) => isKept(path, kept));
  const faults = secretFaults(files, (path) => isKept(path, kept));
  if (faults.length > 0) throw badConfiguration(faults);
  return { files, kept };
}

async function keptSince(
  repository: Pick<Repository, "changed">,
  packed: PackedTrees,
  commit: string,
): Promise<Record<string, PackedTree>> {
  const changed = await repository.changed(packed.commit, commit, versioned);
  // A commit that is gone can't be compared; what was allowed then may be a secret now.
  if (changed === undefined || changed.includes(allowedSecretsPath)) return {};
  return keptTrees(packed, changed);
}
