/** What is known of an engine before it runs. */
export interface Candidate {
  engine: string;
  /** What keeps it from running here, with the package that mends it; nothing when it can. */
  missing: readonly { reason: string; package?: string }[];
  /** Whether it runs with nothing fetched first. */
  hasBase: boolean;
}

export interface ChosenEngine<C> {
  /** Nothing when none can run. */
  chosen: C | undefined;
  /** Why each better one was passed over: one sentence each. */
  passedOver: string[];
}

/**
 * The best engine that can run here; candidates come in order of preference. One whose base image is not built yet
 * counts only where that may be fetched: the first time it takes minutes, and a mirror of Debian.
 */
export function bestEngine<C extends Candidate>(
  candidates: readonly C[],
  { mayFetch }: { mayFetch: boolean },
): ChosenEngine<C> {
  const passedOver: string[] = [];
  for (const candidate of candidates) {
    const { engine, missing, hasBase } = candidate;
    if (missing.length > 0)
      passedOver.push(`engine ${engine} can't run here: ${missing.map(({ reason }) => reason).join(", ")}`);
    else if (!hasBase && !mayFetch)
      passedOver.push(`engine ${engine} has no base image yet, and nothing is fetched without --setup`);
    else return { chosen: candidate, passedOver };
  }
  return { chosen: undefined, passedOver };
}

/** The best engine that can run here, or that could when packages were installed; and those packages. */
export function mendable<C extends Candidate>(
  candidates: readonly C[],
): { candidate: C; packages: string[] } | undefined {
  const candidate = candidates.find(({ missing }) => missing.every((lack) => lack.package !== undefined));
  if (candidate === undefined) return undefined;
  return { candidate, packages: [...new Set(candidate.missing.map((lack) => lack.package!))].sort() };
}
