import { roleFilesFolder, rolePath } from "../config/files.ts";
import type { ReleaseRole } from "./manifest.ts";

/** A role's tree as it was packed: its tar need not be made again where the bucket has it. */
export type PackedTree = Pick<ReleaseRole, "bundleSha256" | "files">;

/** What this clone published last: a commit whose files were found free of secrets, and its trees as they were packed. */
export interface PackedTrees {
  version: 1;
  /** Digest of the program that packed them: another one may look closer, or pack otherwise. */
  program: string;
  commit: string;
  roles: Record<string, PackedTree>;
}

/** The record of a release that was packed. */
export function packedTrees(
  program: string,
  { commit, roles }: Pick<PackedTrees, "commit" | "roles">,
): PackedTrees {
  const trees = Object.entries(roles).map(([role, { bundleSha256, files }]) => [
    role,
    { bundleSha256, files },
  ]);
  return { version: 1, program, commit, roles: Object.fromEntries(trees) };
}

/**
 * The trees that a later commit has too, given every path below `configs/` in which the two commits differ. What makes a
 * tree lies in its role's folder, and nowhere else.
 */
export function keptTrees(
  { roles }: Pick<PackedTrees, "roles">,
  changed: readonly string[],
): Record<string, PackedTree> {
  const touched = (role: string) => {
    const folder = rolePath(role).replace(/[^/]*$/, "");
    return changed.some((path) => path.startsWith(folder));
  };
  return Object.fromEntries(Object.entries(roles).filter(([role]) => !touched(role)));
}

/** True for a file of a tree that is kept. */
export function isKept(path: string, kept: Readonly<Record<string, PackedTree>>): boolean {
  return Object.keys(kept).some((role) => path.startsWith(roleFilesFolder(role)));
}
