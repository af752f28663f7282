import { matcher } from "../collect/globs.ts";
import { type Change, compareSides } from "../history/compare.ts";
import { unrenderSide } from "../history/unrender.ts";
import type { TreeEntry } from "../release/tree.ts";

/** What of a role's configuration is meant by some globs of paths; all of it when there are none. */
export function chosenEntries(tree: readonly TreeEntry[], globs: readonly string[]): TreeEntry[] {
  if (globs.length === 0) return [...tree];
  const isMeant = matcher(globs);
  return tree.filter(({ path }) => isMeant(`/${path}`));
}

/** Globs that mean nothing of it: a misspelt path is no reason to restore less than was asked for. */
export function unmatched(tree: readonly TreeEntry[], globs: readonly string[]): string[] {
  return globs.filter((glob) => chosenEntries(tree, [glob]).length === 0);
}

/**
 * What putting entries in the place of what is there changes. On a live server templates are filled in, and owners
 * count; a folder keeps neither.
 */
export function fileChanges(
  role: string,
  wanted: readonly TreeEntry[],
  present: readonly TreeEntry[],
  { name, isLive }: { name: string; isLive: boolean },
): Change[] {
  const side = (tree: readonly TreeEntry[], live: boolean) => ({
    name,
    isLive: live,
    roles: { [role]: { tree } },
  });
  const after = side(wanted, false);
  if (isLive) return compareSides(unrenderSide(side(present, true), after), after);
  const meant = new Map(wanted.map((entry) => [entry.path, entry]));
  return compareSides(
    side(
      present.map((entry) => asMeant(entry, meant.get(entry.path))),
      false,
    ),
    after,
  );
}

/** In all that a folder does not keep, as it is wanted. */
function asMeant(entry: TreeEntry, wanted: TreeEntry | undefined): TreeEntry {
  if (wanted === undefined) return entry;
  const { owner, group } = wanted;
  if (entry.kind === "file" && wanted.kind === "file")
    return { ...entry, owner, group, template: wanted.template };
  return { ...entry, owner, group };
}
