import { chooseDump } from "../dump/choose.ts";
import type { Dump } from "../dump/dump.ts";
import { weakest } from "../recovery/point.ts";
import { type DataSetStatus, statusOf } from "./data-sets.ts";
import type { Looked } from "./outcome.ts";

/** The dumps of one name that a region has, up to the newest that can be restored there. */
export interface RegionDumps {
  dumps: readonly Dump[];
  /** ISO 8601, UTC, by the service's clock. */
  now: string;
}

/** How old the newest dump of a name is that the region holds whole, against the RPO of that name. */
export function dumpStatus(
  name: string,
  looked: Looked<RegionDumps>,
  region: string,
  rpoSeconds: number,
): DataSetStatus {
  // A dump may have the name of a database.
  const called = `dump ${name}`;
  if (looked.kind === "could-not-look")
    return { name: called, outcome: "could-not-look", rpoSeconds, found: looked.reason };
  const { dumps, now } = looked.value;
  const choice = chooseDump(dumps, { kind: "newest" }, region);
  if (choice.kind === "none") {
    const found = choice.reasons.slice(0, 2).join(" ") || `there is none in ${region}: rekindle dump ${name}`;
    return { name: called, outcome: "failed", rpoSeconds, found };
  }
  const { id, takenAt, databases } = choice.dump;
  const consistency = weakest(databases.map(({ observed }) => observed.label));
  return statusOf(called, { point: id, takenAt, consistency }, rpoSeconds, now);
}
