import type { GitHistory } from "../../bootstrap/edges/git-bundle.ts";

/** The history of a repository of which every bucket has everything already. */
export const noHistory: GitHistory = {
  incomplete: async () => undefined,
  refs: async () => [],
  aside: async () => [],
  known: async () => [],
  adds: async () => false,
  bundle: async () => Buffer.alloc(0),
};
