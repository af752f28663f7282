import { describe, expect, test } from "vitest";
import { chooseDump } from "../../bootstrap/dump/choose.ts";
import { primary, recovery } from "../builders.ts";
import { aDump, aDumpPart } from "./builders.ts";

const at = (hour: string) => `2026-11-24T${hour}:00:00.000Z`;
const old = aDump({ id: "old", takenAt: at("08") });
const newer = aDump({ id: "newer", takenAt: at("09") });

describe("the dump that is restored", () => {
  test("is the newest one, or the newest of a moment, or the one that is named", () => {
    const chosen = (...wish: Parameters<typeof chooseDump>) => {
      const choice = chooseDump(...wish);
      return choice.kind === "chosen" ? choice.dump.id : choice.reasons;
    };
    expect(chosen([old, newer], { kind: "newest" }, recovery)).toBe("newer");
    expect(chosen([old, newer], { kind: "as-of", moment: at("08") }, recovery)).toBe("old");
    expect(chosen([old, newer], { kind: "id", id: "old" }, recovery)).toBe("old");
    expect(chosen([old], { kind: "id", id: "other" }, recovery)).toEqual([]);
  });

  test.for([
    ["pending", { status: "pending" }, "its command has not ended, or was killed"],
    ["failed", { status: "failed", faults: ["no space"] }, "it failed: no space"],
    [
      "elsewhere",
      { parts: [aDumpPart({ versions: { [primary]: "v1" } })] },
      `region ${recovery} does not hold all`,
    ],
  ] as const)("is no one that is %s, and the reason is told", ([_case, changes, reason]) => {
    const bad = aDump({ id: "bad", takenAt: at("10"), ...(changes as object) });
    const choice = chooseDump([old, bad], { kind: "newest" }, recovery);
    expect(choice).toMatchObject({ kind: "chosen", dump: { id: "old" } });
    expect(choice.kind === "chosen" && choice.passedOver.join()).toContain(reason);
    expect(chooseDump([bad], { kind: "newest" }, recovery)).toMatchObject({ kind: "none" });
  });
});
