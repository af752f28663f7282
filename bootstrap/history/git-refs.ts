import { byCodePoint } from "../release/tree.ts";

/** A branch or tag of the repository, and the commit that it stands for. */
export interface GitRef {
  /** In full: `refs/heads/…` or `refs/tags/…`. */
  name: string;
  commit: string;
  /** An annotated tag's own object, as git keeps it, in base64. */
  tag?: string;
}

/** `git/refs.json`, beside the bundles that hold the commits. */
export interface GitRefs {
  version: 1;
  refs: GitRef[];
}

export const refsKey = "git/refs.json";

/** What a repository has counts; what it lacks may be in another clone, and stays. */
export function mergedRefs(held: readonly GitRef[], own: readonly GitRef[]): GitRef[] {
  const all = new Map([...held, ...own].map((ref) => [ref.name, ref]));
  return [...all.values()].sort((a, b) => byCodePoint(a.name, b.name));
}
