import { expect, test } from "vitest";
import { faultsAfter, replace } from "./builders.ts";

test("a database may not have the name of a server: recovery points find both by their names", () => {
  const faults = (name: string) =>
    faultsAfter(replace("environment", "databases:\n  ledger:", `databases:\n  ${name}:`));
  expect(faults("db-0")).toContainEqual(expect.stringContaining('"db-0" is a database and a server'));
  expect(faults("db-9").filter((fault) => fault.includes("is a database and a server"))).toEqual([]);
});
