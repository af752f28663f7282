import { expect, it } from "vitest";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { run } from "../../bootstrap/edges/process.ts";
import { aTopology, primary, recovery } from "../builders.ts";
import { launchDatabaseServer, publishIn, testField } from "../commands/field.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { aTakenPoint } from "./points.ts";

const sandbox = runningSandbox();
const ago = (hours: number) => new Date(systemClock.now().getTime() - hours * 3_600_000).toISOString();

function points(...args: string[]) {
  return run(process.execPath, ["bin/rekindle.js", "points", "--env", "shop", ...args], {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: sandbox().endpoint,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    },
  });
}

it("rekindle points lists the newest first, tells one whole, and asks no lost region", async () => {
  const field = await testField(sandbox(), aTopology());
  await publishIn(field);
  await launchDatabaseServer(sandbox(), field);
  expect((await points()).stdout).toContain(`${recovery} knows no recovery point of shop`);
  const faults = ["db-0: the freeze did not end in time"];
  const newest = await aTakenPoint(sandbox(), field, ago(1), { status: "incomplete", faults });
  const older = await aTakenPoint(sandbox(), field, ago(2));
  await sandbox().loseRegion(primary, "refused");

  const { stdout } = await points();
  expect(stdout).toMatch(
    new RegExp(`^${newest.id}: incomplete, .*\n  db-0: the freeze did not end in time\n`),
  );
  expect(stdout).toContain(`\n${older.id}: complete, taken at ${older.takenAt}, crash consistent, db-0`);
  expect((await points("--limit", "1")).stdout).not.toContain(older.id);
  expect(JSON.parse((await points("--json")).stdout).points).toEqual([newest, older]);
  expect((await points(older.id)).stdout).toContain("no better, since nothing was frozen");

  const unknown = await points("point-1");
  expect(unknown.ending).toEqual({ kind: "exited", code: 2 });
  expect(unknown.stderr).toContain('knows no recovery point "point-1"');
  expect((await points("--region", primary)).ending).toEqual({ kind: "exited", code: 6 });
  expect((await points("--region", "eu-north-1")).ending).toEqual({ kind: "exited", code: 2 });
});
