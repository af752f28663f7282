import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareSides } from "../../bootstrap/history/compare.ts";
import { sideBySide } from "../../bootstrap/history/side-by-side.ts";
import { aFile } from "../builders.ts";

const mask = (_path: string, text: string) => text.replaceAll("hunter", "******");
const show = (before: string, after: string, width = 43) => {
  const side = (text: string) => ({
    name: "x",
    isLive: false,
    roles: { web: { tree: [aFile("etc/a", text)] } },
  });
  return sideBySide(compareSides(side(before), side(after)), width, mask);
};

describe("two columns", () => {
  it("have changed lines beside each other, marked", () => {
    expect(show("same\nold\ngone\nend\n", "same\nnew\nend\nmore\n")).toEqual([
      "== web:/etc/a",
      "line 1                 line 1",
      "same                   same",
      "old                  | new",
      "gone                 <",
      "end                    end",
      "                     > more",
    ]);
  });

  it("cut long lines", () => {
    expect(show("x".repeat(50), "y".repeat(50))).toContain(`${"x".repeat(19)}… | ${"y".repeat(19)}…`);
  });

  it("hide secrets", () => {
    expect(show("a\nhunter\n", "b\nhunter\n").join("\n")).not.toContain("hunter");
  });

  it("fit the width, whatever stands in them", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer({ min: 20, max: 200 }), (before, after, width) => {
        for (const line of show(before, after, width)) expect([...line].length).toBeLessThanOrEqual(width);
      }),
    );
  });

  it("are of a title alone where only the mode differs", () => {
    const side = (mode: string) => ({
      name: "x",
      isLive: false,
      roles: { web: { tree: [aFile("etc/a", "a", mode)] } },
    });
    expect(sideBySide(compareSides(side("0644"), side("0600")), 80, mask)).toEqual([
      "== web:/etc/a",
      "   old mode 0644",
      "   new mode 0600",
    ]);
  });
});
