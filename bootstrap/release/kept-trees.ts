import { roleFilesFolder, rolePath } from "../config/files.ts";
import type { Manifest, ReleaseRole } from "./manifest.ts";

/** A role's tree as it was packed before: its tar need not be made again where the bucket has it. */
export type PackedTree = Pick<ReleaseRole, "bundleSha256" | "files">;

/**
 * The trees of an earlier release that a later commit has too, given every path below `configs/` in which the two
 * commits differ. What packs a tree lies in its role's folder, and nowhere else.
 */
export function keptTrees(
  { roles }: Pick<Manifest, "roles">,
  changed: readonly string[],
): Record<string, PackedTree> {
  const touched = (role: string) => {
    const folder = rolePath(role).replace(/[^/]*$/, "");
    return changed.some((path) => path.startsWith(folder));
  };
  const kept = Object.entries(roles).filter(([role]) => !touched(role));
  return Object.fromEntries(kept.map(([role, { bundleSha256, files }]) => [role, { bundleSha256, files }]));
}

/** True for a file that is in a tree which was packed before. */
export function isKept(path: string, kept: Readonly<Record<string, PackedTree>>): boolean {
  return Object.keys(kept).some((role) => path.startsWith(roleFilesFolder(role)));
}
