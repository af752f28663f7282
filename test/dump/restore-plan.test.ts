import { describe, expect, test } from "vitest";
import { describeRestorePlan, planRestore, type ServerLook } from "../../bootstrap/dump/restore-plan.ts";
import { compareRows } from "../../bootstrap/dump/rows.ts";
import { aDump, aDumpedDatabase, aDumpPart } from "./builders.ts";

const fresh: ServerLook = { version: "15.9", roles: ["postgres"], databases: [] };
const wish = { replace: false, withoutGlobals: false };
const used = (tables: number): ServerLook => ({
  ...fresh,
  databases: [{ name: "shop", tables, bytes: 2048 }],
});

const reasons = (...of: Parameters<typeof planRestore>) => {
  const decision = planRestore(...of);
  return decision.kind === "refused" ? decision.reasons.join("\n") : "";
};

describe("a restore", () => {
  test("makes the databases of a dump in a fresh server", () => {
    const decision = planRestore(aDump(), fresh, wish);
    expect(decision).toMatchObject({
      kind: "plan",
      plan: { globals: false, databases: [{ name: "shop", tables: 2, rows: 5, present: "absent" }] },
    });
    expect(decision.kind === "plan" && describeRestorePlan(decision.plan, "here").join("\n")).toContain(
      "database shop with 2 tables and 5 rows would be created",
    );
  });

  test("fills an empty database, and replaces one with data only where that was said", () => {
    expect(planRestore(aDump(), used(0), wish)).toMatchObject({
      plan: { databases: [{ present: "empty" }] },
    });
    expect(reasons(aDump(), used(3), wish)).toContain(
      "a database shop with 3 tables of 2.0 KiB, which may be newer",
    );
    expect(planRestore(aDump(), used(3), { ...wish, replace: true })).toMatchObject({
      plan: { databases: [{ present: "replaced" }] },
    });
  });

  test("asks no further database than those that are named, and refuses one that the dump lacks", () => {
    const dump = aDump({ databases: [aDumpedDatabase(), aDumpedDatabase({ name: "other" })] });
    expect(planRestore(dump, used(3), { ...wish, only: ["other"] })).toMatchObject({
      plan: { databases: [{ name: "other" }] },
    });
    expect(reasons(dump, fresh, { ...wish, only: ["none"] })).toContain(
      "holds no database none; it holds shop, other",
    );
  });

  test.for([
    ["postgres", "14.2", "15.8", true],
    ["postgres", "16.1", "15.8", false],
    ["mariadb", "10.6.1-MariaDB", "10.11.14-MariaDB", true],
    ["mariadb", "11.4.2-MariaDB", "10.11.14-MariaDB", false],
    ["mysql", "8.0.30", "8.4.1", false],
  ] as const)("of %s into %s from %s", ([engine, version, serverVersion, isRefused]) => {
    const found = reasons(aDump({ engine, serverVersion }), { ...fresh, version }, wish);
    expect(found.includes("older than the dump's")).toBe(isRefused);
  });

  test("brings roles where the dump has them, unless it is told not to", () => {
    const parts = [aDumpPart(), aDumpPart({ stage: "globals" })];
    expect(planRestore(aDump({ parts }), fresh, wish)).toMatchObject({ plan: { globals: true } });
    expect(planRestore(aDump({ parts }), fresh, { ...wish, withoutGlobals: true })).toMatchObject({
      plan: { globals: false },
    });
  });
});

test("rows that came back are compared table by table, and one that is missing or more is told", () => {
  expect(compareRows({ a: 1, b: 2, c: 0 }, { a: 1, b: 3, d: 0 })).toEqual([
    { table: "b", expected: 2, found: 3 },
    { table: "c", expected: 0, found: undefined },
    { table: "d", expected: undefined, found: 0 },
  ]);
});
