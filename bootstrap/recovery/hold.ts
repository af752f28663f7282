/** Keeps one recovery point, or one dump, from every prune until a moment: `catalog/holds/<id>.json`, in every region. One is enough. */
export interface Hold {
  version: 1;
  /** `hold-<UTC time>`. */
  id: string;
  /** The name of a recovery point or a dump. */
  point: string;
  reason: string;
  /** ISO 8601, UTC. */
  until: string;
  createdAt: string;
}

export function holdId(now: string): string {
  return `hold-${now.replace(/[-:.]/g, "").toLowerCase()}`;
}
