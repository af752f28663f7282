import { expect, it } from "vitest";
import { quiesceSchema } from "../../bootstrap/config/quiesce-schema.ts";
import { snapshotSources } from "../../bootstrap/recovery/snapshot-sources.ts";
import { aTopology } from "../builders.ts";

const [db0, db1] = ["db-0", "db-1"].map((server) => ({ server, role: "db" }));
const web = { server: "", role: "web" };

function withReplica(replica?: string) {
  const topology = aTopology();
  const quiesce = quiesceSchema.parse({ kind: "postgres", ...(replica === undefined ? {} : { replica }) });
  return { ...topology, roles: { ...topology.roles, db: { ...topology.roles.db!, quiesce } } };
}

it("every server with volumes is snapshotted for itself", () => {
  expect(snapshotSources(withReplica(), [db0!, db1!, web])).toEqual({
    sources: [
      { server: db0, targets: [db0] },
      { server: db1, targets: [db1] },
    ],
    missing: [],
  });
});

it("a read replica is snapshotted once, for all servers of the role", () => {
  expect(snapshotSources(withReplica("db-1"), [db0!, db1!])).toEqual({
    sources: [{ server: db1, targets: [db0, db1], primary: db0 }],
    missing: [],
  });
});

it("a read replica's copy is the primary's for the first other server only", () => {
  const servers = ["db-10", "db-2", "db-0"].map((server) => ({ server, role: "db" }));
  expect(snapshotSources(withReplica("db-0"), servers).sources).toEqual([
    { server: servers[2], targets: servers, primary: servers[1] },
  ]);
});

it("a read replica that does not run is missed, and nothing else stands in for it", () => {
  expect(snapshotSources(withReplica("db-1"), [db0!])).toEqual({
    sources: [],
    missing: ["db-0: its read replica db-1 is not running"],
  });
});
