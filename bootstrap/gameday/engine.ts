/** What is known of an engine before it runs. */
export interface Candidate {
  engine: string;
  /** What keeps it from running here, with the package that mends it; nothing when it can. */
  missing: readonly { reason: string; package?: string }[];
  /** Whether it runs with nothing fetched first. */
  hasBase: boolean;
  /** Why it takes minutes for what should take seconds. */
  slow?: string | undefined;
}

export interface ChosenEngine<C> {
  /** Nothing when none can run. */
  chosen: C | undefined;
  /** Why each better one was passed over: one sentence each. */
  passedOver: string[];
}

/**
 * The best engine that can run here; candidates come in order of preference. For whoever wants it at once, one that is
 * slow does not count, nor one whose base image is not built yet: that takes minutes, and a mirror of Debian.
 */
export function bestEngine<C extends Candidate>(
  candidates: readonly C[],
  { atOnce }: { atOnce: boolean },
): ChosenEngine<C> {
  const passedOver: string[] = [];
  for (const candidate of candidates) {
    const { engine, missing, hasBase, slow } = candidate;
    if (missing.length > 0)
      passedOver.push(`engine ${engine} can't run here: ${missing.map(({ reason }) => reason).join(", ")}`);
    else if (atOnce && slow !== undefined)
      passedOver.push(`engine ${engine} is slow here: ${slow}; --engine ${engine} takes it all the same`);
    else if (atOnce && !hasBase)
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
