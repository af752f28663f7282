import type { DriftReport, ServerDrift } from "../drift/report.ts";
import type { Check } from "../recovery/check.ts";
import { type DataLoss, isOurs, type Row } from "./rows.ts";

/** What clients can tell of a rebuilt environment: that its newest row is one that they wrote, and not too old. */
export function dataChecks(
  written: readonly Row[],
  { cameBack, rpoSeconds }: DataLoss,
  objectives: { rpoSeconds: number },
): Check[] {
  return [
    {
      name: "newest row",
      passed: cameBack !== undefined && isOurs(written, cameBack),
      expected: "one of the rows that clients wrote",
      found: cameBack === undefined ? "none" : `row ${cameBack.id} of ${cameBack.at}`,
    },
    {
      name: "age of the newest row at the fault",
      passed: rpoSeconds !== undefined && rpoSeconds <= objectives.rpoSeconds,
      expected: `${objectives.rpoSeconds} s at most`,
      found: rpoSeconds === undefined ? "no row" : `${rpoSeconds} s`,
    },
  ];
}

/** Every live server as its release describes it; none that could not be asked, and not none at all. */
export function driftChecks({ servers }: DriftReport): Check[] {
  if (servers.length === 0)
    return [{ name: "drift", passed: false, expected: "live servers", found: "none" }];
  return servers.map((server) => ({
    name: `drift of ${server.name}`,
    passed: server.outcome === "none",
    expected: "every file as in the release",
    found: describe(server),
  }));
}

function describe(server: ServerDrift): string {
  if (server.outcome === "could-not-look") return `could not look: ${server.failure.message}`;
  if (server.outcome === "none") return `every file as in ${server.release}`;
  return server.drift.map(({ path, kind }) => `${path} (${kind})`).join(", ");
}
