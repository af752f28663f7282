import { describe, expect, test } from "vitest";
import { faultsAfter, replace } from "./builders.ts";

/** What is wrong with an environment that has a database `ledger`, and this dump. */
const faults = (dump: string) =>
  faultsAfter(replace("environment", "databases:\n", `dumps:\n  main: ${dump}\ndatabases:\n`)).filter(
    (fault) => fault.includes("main"),
  );

describe("a dump", () => {
  test("of a database has that one's user, or another one with a password", () => {
    const of = (rest: string) => faults(`{ engine: postgres, from: { database: ledger }${rest} }`);
    expect(of("")).toEqual([]);
    expect(of(", user: dumper, password: ssm:/dump")).toEqual([]);
    expect(of(", user: dumper")).toEqual([
      expect.stringContaining("dump main names user dumper without a password"),
    ]);
  });

  test("over the network names a user", () => {
    expect(faults("{ engine: postgres, from: { host: db } }")).toEqual([
      expect.stringContaining("dump main goes over the network and names no user"),
    ]);
  });
});
