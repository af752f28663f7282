import type { Dump } from "./dump.ts";
import { regionsOf } from "./dump.ts";

/** Which dump of a name to restore: one that is named, the newest, or the newest of a moment. */
export type DumpWish = { kind: "id"; id: string } | { kind: "newest" } | { kind: "as-of"; moment: string };

/** The dump that is restored and why each newer one is not, or why there is none. */
export type DumpChoice =
  | { kind: "chosen"; dump: Dump; passedOver: string[] }
  | { kind: "none"; reasons: string[] };

/** The newest dump that answers the wish and that one region holds whole. */
export function chooseDump(dumps: readonly Dump[], wish: DumpWish, region: string): DumpChoice {
  const asked = wish.kind === "id" ? dumps.filter(({ id }) => id === wish.id) : dumps;
  const reasons: string[] = [];
  for (const dump of [...asked].sort((a, b) => (a.takenAt < b.takenAt ? 1 : -1))) {
    const reason = whyNot(dump, wish, region);
    if (reason === undefined) return { kind: "chosen", dump, passedOver: reasons };
    reasons.push(`${dump.id}, taken at ${dump.takenAt}: ${reason}`);
  }
  return { kind: "none", reasons };
}

function whyNot(dump: Dump, wish: DumpWish, region: string): string | undefined {
  if (wish.kind === "as-of" && dump.takenAt > wish.moment) return `newer than ${wish.moment}`;
  if (dump.status === "pending") return "its command has not ended, or was killed";
  if (dump.status === "failed") return `it failed: ${dump.faults.join("; ")}`;
  if (!regionsOf(dump).includes(region)) return `region ${region} does not hold all of its parts`;
  return undefined;
}
