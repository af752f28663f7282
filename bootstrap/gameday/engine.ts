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

/** What a try with one engine came to: what it gives, or why it gives nothing, in one sentence. */
export type Attempt<T> = { gives: T } | { obstacle: string };

/**
 * Takes the first engine with which an attempt gives something: they come in order of preference. Each better one has
 * the sentence that says why it was passed over; nothing is taken when no attempt gives anything.
 */
export async function bestEngine<E, T>(
  engines: readonly E[],
  attempt: (engine: E) => Promise<Attempt<T>>,
): Promise<{ taken: T | undefined; passedOver: string[] }> {
  const passedOver: string[] = [];
  for (const engine of engines) {
    const attempted = await attempt(engine);
    if ("gives" in attempted) return { taken: attempted.gives, passedOver };
    passedOver.push(attempted.obstacle);
  }
  return { taken: undefined, passedOver };
}

/**
 * A candidate, unless it can't run here. For whoever wants it at once, one that is slow does not count, nor one whose
 * base image is not built yet: that takes minutes, and a mirror of Debian.
 */
export function fitting<C extends Candidate>(candidate: C, { atOnce }: { atOnce: boolean }): Attempt<C> {
  const { engine, missing, hasBase, slow } = candidate;
  if (missing.length > 0)
    return { obstacle: `engine ${engine} can't run here: ${missing.map(({ reason }) => reason).join(", ")}` };
  if (atOnce && slow !== undefined)
    return { obstacle: `engine ${engine} is slow here: ${slow}; --engine ${engine} takes it all the same` };
  if (atOnce && !hasBase)
    return {
      obstacle: `engine ${engine} has no base image yet, and auto fetches nothing; --engine ${engine} makes it first`,
    };
  return { gives: candidate };
}

/** The best engine that can run here, or that could when packages were installed; and those packages. */
export function mendable<C extends Candidate>(
  candidates: readonly C[],
): { candidate: C; packages: string[] } | undefined {
  const candidate = candidates.find(({ missing }) => missing.every((lack) => lack.package !== undefined));
  if (candidate === undefined) return undefined;
  return { candidate, packages: [...new Set(candidate.missing.map((lack) => lack.package!))].sort() };
}
