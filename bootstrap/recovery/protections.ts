import type { Hold } from "./hold.ts";
import type { PinnedPlan } from "./plan.ts";

/** What no prune takes away, and why: by name. */
export interface Protections {
  /** Point or dump → reasons. */
  points: Map<string, string[]>;
  /** Recipe of an image → reasons. */
  recipes: Map<string, string[]>;
}

/** What pinned plans and holds of all regions protect at a moment (ISO 8601, UTC). A hold in one region is enough. */
export function protectionsOf(
  pinned: readonly PinnedPlan[],
  holds: readonly Hold[],
  now: string,
): Protections {
  const found: Protections = { points: new Map(), recipes: new Map() };
  for (const { plan } of pinned) {
    if (plan.point !== undefined) add(found.points, plan.point, `pinned plan ${plan.id}`);
    for (const one of plan.dumps ?? [])
      if (one.kind === "chosen") add(found.points, one.dump, `pinned plan ${plan.id}`);
    for (const { recipe } of Object.values(plan.pins.roles))
      add(found.recipes, recipe, `pinned plan ${plan.id}`);
  }
  for (const { id, point, reason, until } of holds)
    if (until > now) add(found.points, point, `${id} until ${until}: ${reason}`);
  return found;
}

function add(map: Map<string, string[]>, name: string, reason: string): void {
  const reasons = map.get(name) ?? [];
  if (!reasons.includes(reason)) map.set(name, [...reasons, reason]);
}
