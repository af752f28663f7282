import { type Dump, regionsOf } from "../dump/dump.ts";
import type { IndexedPoint } from "./regional-index.ts";

/** Name → its dumps, the newest first, as retention sees recovery points: each name has places of its own. */
export function indexedDumps(
  dumps: readonly Dump[],
  regions: readonly string[],
): Map<string, IndexedPoint[]> {
  const names = new Map<string, IndexedPoint[]>();
  for (const dump of [...dumps].sort((a, b) => b.startedAt.localeCompare(a.startedAt))) {
    const whole = regionsOf(dump);
    const statusIn = (region: string) => {
      if (dump.status !== "complete") return dump.status === "pending" ? "pending" : "incomplete";
      return whole.includes(region) ? "complete" : "incomplete";
    };
    const statuses = Object.fromEntries(regions.map((region) => [region, statusIn(region)] as const));
    const indexed = { id: dump.id, startedAt: dump.startedAt, statuses };
    names.set(dump.name, [...(names.get(dump.name) ?? []), indexed]);
  }
  return names;
}
