import { chooseDump, type DumpWish } from "../dump/choose.ts";
import type { Dump } from "../dump/dump.ts";

/**
 * The dump of one name that belongs to a plan's moment, or why there is none. No stack restores a dump: whoever rebuilds
 * does, with `rekindle restore dump`.
 */
export type PlannedDump =
  | {
      kind: "chosen";
      name: string;
      dump: string;
      takenAt: string;
      /** Seconds between `takenAt` and the moment that the plan recovers from. */
      rpoSeconds: number;
      /** Why not a newer one, one sentence each. */
      passedOver: string[];
    }
  | { kind: "none"; name: string; reasons: string[] };

/** Of each name the newest dump of the moment that the region holds whole. */
export function plannedDumps(
  dumps: Readonly<Record<string, readonly Dump[]>>,
  wish: DumpWish,
  region: string,
  moment: string,
): PlannedDump[] {
  return Object.entries(dumps).map(([name, own]): PlannedDump => {
    const choice = chooseDump(own, wish, region);
    if (choice.kind === "none") {
      const reasons = choice.reasons.length === 0 ? [`${region} has no dump of it`] : choice.reasons;
      return { kind: "none", name, reasons };
    }
    const { id, takenAt } = choice.dump;
    const rpoSeconds = (Date.parse(moment) - Date.parse(takenAt)) / 1000;
    return { kind: "chosen", name, dump: id, takenAt, rpoSeconds, passedOver: choice.passedOver };
  });
}
