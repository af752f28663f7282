import { expect, test } from "vitest";
import { withKnown } from "../../../../sandbox/bodies/rds/described.ts";

const instance = (name: string) =>
  `<DBInstance><DBInstanceIdentifier>${name}</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus><LatestRestorableTime>2026-11-24T12:00:00Z</LatestRestorableTime><ReadReplicaSourceDBInstanceIdentifier>a</ReadReplicaSourceDBInstanceIdentifier></DBInstance>`;

test("an instance that is known has its own status, and nobody else's changes", () => {
  const xml = `<DBInstances>${instance("a")}${instance("b")}</DBInstances>`;
  const told = withKnown(xml, (name) =>
    name === "b" ? { status: "creating", restorable: undefined } : undefined,
  );
  expect(told).toBe(
    `<DBInstances>${instance("a")}<DBInstance><DBInstanceIdentifier>b</DBInstanceIdentifier><DBInstanceStatus>creating</DBInstanceStatus></DBInstance></DBInstances>`,
  );
});

test("an instance that is stopped can be restored to the moment of that, and one that runs to now", () => {
  const stopped = withKnown(instance("a"), () => ({
    status: "stopped",
    restorable: new Date("2026-11-24T11:00:00Z"),
  }));
  expect(stopped).toContain("<LatestRestorableTime>2026-11-24T11:00:00.000Z<");
  const running = withKnown(instance("a"), () => ({ status: "available", restorable: "now" }));
  expect(running).toContain("<LatestRestorableTime>2026-11-24T12:00:00Z<");
});
