import { describe, expect, it } from "vitest";
import { type Dump, dumpName } from "../../bootstrap/dump/dump.ts";
import type { Wish } from "../../bootstrap/recovery/choose.ts";
import { protectionsOf } from "../../bootstrap/recovery/protections.ts";
import { resolvePlan } from "../../bootstrap/recovery/resolve.ts";
import { aCatalog, aPoint, aTopology, primary, recovery } from "../builders.ts";
import { aDump, aDumpPart } from "../dump/builders.ts";

const now = "2026-11-24T12:00:00.000Z";
const at = (hour: string, changes: Partial<Dump> = {}) =>
  aDump({ id: `dump-20261124t${hour}0000000z-main`, takenAt: `2026-11-24T${hour}:00:00.000Z`, ...changes });
const dumps = [at("08"), at("10"), at("11", { parts: [aDumpPart({ versions: { [primary]: "v1" } })] })];

function plan(wish: Wish, main: readonly Dump[] = dumps) {
  const contents = aCatalog();
  const request = { topology: aTopology(), region: recovery, wish, now, contents, restorable: [] };
  const planned = resolvePlan({ ...request, dumps: { main } });
  if (planned.kind === "refused") throw new Error(planned.reasons.join("\n"));
  return planned.plan;
}

describe("a dump of a plan", () => {
  it("is the newest that the region holds whole, with its distance, and why no newer one", () => {
    expect(plan({ kind: "newest" }).dumps).toEqual([
      {
        kind: "chosen",
        name: "main",
        dump: "dump-20261124t100000000z-main",
        takenAt: "2026-11-24T10:00:00.000Z",
        rpoSeconds: 7200,
        passedOver: [
          `dump-20261124t110000000z-main, taken at 2026-11-24T11:00:00.000Z: region ${recovery} does not hold all of its parts`,
        ],
      },
    ]);
  });

  it("is no newer than the moment, nor than the point that was asked for", () => {
    const moment = "2026-11-24T11:30:00.000Z";
    expect(plan({ kind: "as-of", moment }).dumps).toMatchObject([
      { dump: "dump-20261124t100000000z-main", rpoSeconds: 5400 },
    ]);
    const { id, takenAt } = aPoint();
    expect(takenAt < "2026-11-24T10:30").toBe(true);
    const late = at("11");
    expect(plan({ kind: "point", id }, [at("08"), late]).dumps).toMatchObject([
      {
        dump: "dump-20261124t080000000z-main",
        passedOver: [expect.stringContaining(`newer than ${takenAt}`)],
      },
    ]);
  });

  it("that is not there refuses nothing else, and says so", () => {
    expect(plan({ kind: "newest" }, []).dumps).toEqual([
      { kind: "none", name: "main", reasons: [`${recovery} has no dump of it`] },
    ]);
    const failed = at("09", { status: "failed", faults: ["no space"] });
    expect(plan({ kind: "newest" }, [failed]).dumps).toMatchObject([
      { kind: "none", reasons: [expect.stringContaining("it failed: no space")] },
    ]);
  });

  it("is kept from every prune while the plan is pinned", () => {
    const pinned = plan({ kind: "newest" });
    const { points } = protectionsOf([{ version: 1, pinnedBy: "request", plan: pinned }], [], now);
    expect(points.get("dump-20261124t100000000z-main")).toEqual([`pinned plan ${pinned.id}`]);
  });
});

describe("the name of a dump", () => {
  it("is in its id, whatever it consists of", () => {
    expect(dumpName("dump-20261124t100000000z-a-20261124t100000000z-b")).toBe("a-20261124t100000000z-b");
    expect(dumpName("point-20261124t100000000z")).toBeUndefined();
  });
});
