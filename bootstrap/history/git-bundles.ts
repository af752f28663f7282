/** One incremental bundle of the repository's history, in one region's bucket. */
export interface GitBundle {
  key: string;
  /** From 1, without gaps. Two publishers at the same moment may take the same number: both bundles count. */
  sequence: number;
  /** The commit that was published with it. */
  tip: string;
}

export const bundlePrefix = "git/bundles/";

export function gitBundle(sequence: number, tip: string): GitBundle {
  return { key: `${bundlePrefix}${String(sequence).padStart(8, "0")}-${tip}.bundle`, sequence, tip };
}

/** The bundles among a bucket's keys, in the order in which they apply. */
export function gitBundles(keys: readonly string[]): GitBundle[] {
  return keys
    .map(parseKey)
    .filter((bundle) => bundle !== undefined)
    .sort(byOrder);
}

export function nextSequence(bundles: readonly GitBundle[]): number {
  return Math.max(0, ...bundles.map(({ sequence }) => sequence)) + 1;
}

/** The numbers that nobody holds any more, though a later bundle shows that someone did. */
export function missingSequences(bundles: readonly GitBundle[]): number[] {
  const held = new Set(bundles.map(({ sequence }) => sequence));
  return Array.from({ length: nextSequence(bundles) - 1 }, (_, index) => index + 1).filter(
    (sequence) => !held.has(sequence),
  );
}

/**
 * The bundles that a new one may build on: those before the first gap. What came after it can't be restored, and a
 * new bundle that leaves it out of account holds it again.
 */
export function restorable(bundles: readonly GitBundle[]): GitBundle[] {
  const gap = missingSequences(bundles)[0] ?? Number.POSITIVE_INFINITY;
  return bundles.filter(({ sequence }) => sequence < gap);
}

function parseKey(key: string): GitBundle | undefined {
  const match = /^git\/bundles\/(\d{8})-([0-9a-f]{40}|[0-9a-f]{64})\.bundle$/.exec(key);
  return match ? { key, sequence: Number(match[1]), tip: match[2]! } : undefined;
}

function byOrder(a: GitBundle, b: GitBundle): number {
  return a.sequence - b.sequence || (a.tip < b.tip ? -1 : 1);
}
