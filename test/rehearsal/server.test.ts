import { absentFor, rehearsedServer } from "../../bootstrap/rehearsal/server.ts";
import { account, aTopology } from "../builders.ts";

describe("the server that a rehearsal boots", () => {
  it("is a fixed server of the primary site, with its own name and address", () => {
    expect(rehearsedServer(aTopology(), "db")).toEqual({
      name: "db-0",
      role: "db",
      address: "10.10.10.16",
      region: "eu-west-1",
      bucket: `rekindle-shop-${account}-eu-west-1`,
    });
  });

  it("is called like its role in a fleet, at an address that is no fixed server's", () => {
    expect(rehearsedServer(aTopology(), "web")).toMatchObject({ name: "web", address: "10.10.10.17" });
  });

  it("runs without what its role depends on, which is named", () => {
    expect(absentFor(aTopology(), "web")).toEqual(["role db: its server does not answer"]);
    expect(absentFor(aTopology(), "db")).toEqual([]);
    const roles = { web: { count: 1, instanceType: "t3.small", dependsOn: ["ledger"] } };
    expect(absentFor(aTopology({ roles }), "web")).toEqual([
      "database ledger: its endpoint is a name that nobody knows",
    ]);
  });
});
