import { describe, expect, it, vi } from "vitest";
import { describePlan, makePlan } from "../../bootstrap/commands/plan.ts";
import { prune } from "../../bootstrap/commands/prune.ts";
import type { DumpSource } from "../../bootstrap/config/dump-schema.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import type { Wish } from "../../bootstrap/recovery/choose.ts";
import { aTopology, primary } from "../builders.ts";
import { bakeIn, launchDatabaseServer, publishIn, testField } from "../commands/field.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { aTakenPoint } from "./points.ts";
import { aStoredDump } from "./stored-dump.ts";

const sandbox = runningSandbox();
const ago = (hours: number) => new Date(systemClock.now().getTime() - hours * 3_600_000).toISOString();
const source: DumpSource = { engine: "postgres", from: { host: "db" }, format: "custom", globals: true };

async function open() {
  const retention = { keepLast: 1, minimumAge: "0s" };
  const field = await testField(sandbox(), aTopology({ dumps: { main: source, spare: source }, retention }));
  await publishIn(field);
  await bakeIn(field);
  await launchDatabaseServer(sandbox(), field);
  await aTakenPoint(sandbox(), field, ago(2));
  const regions = [field.cloud.recovery, field.cloud.primary];
  const catalogs = regions.map(({ catalog }) => catalog);
  const dump = (hours: number) => aStoredDump(catalogs, "main", ago(hours));
  const plan = (wish: Wish, catalog = catalogs[0]!) => {
    const { backups } = field.cloud.recovery;
    return makePlan({
      ...field.shared,
      wish,
      catalog,
      backups,
      pinTo: catalogs[0]!,
      recoveryDeployed: async () => false,
    });
  };
  return { field, regions, catalogs, dump, plan };
}

describe("a plan of an environment with dumps", () => {
  it("names the dump of its moment and how to restore it, and asks no lost region", async () => {
    const { catalogs, dump, plan } = await open();
    const [old, newest] = [await dump(3), await dump(1)];
    await sandbox().loseRegion(primary, "refused");
    const read = vi.spyOn(catalogs[0]!, "dump");
    const { next } = await sandbox().requestsSince(0);
    const made = await plan({ kind: "newest" });
    expect(made.dumps).toMatchObject([
      { kind: "chosen", name: "main", dump: newest.id },
      { kind: "none", name: "spare" },
    ]);
    expect(describePlan(made).join("\n")).toContain(`rekindle restore dump ${newest.id} --to`);
    const { requests } = await sandbox().requestsSince(next);
    expect(requests.filter(({ outcome }) => outcome === "lost")).toEqual([]);
    // What is older than the one that was found is not read.
    expect(read.mock.calls.flat()).not.toContain(old.id);
    expect((await catalogs[0]!.pinnedPlan())!.plan).toEqual(made);
    expect((await plan({ kind: "as-of", moment: ago(2) })).dumps).toMatchObject([{ dump: old.id }, {}]);
  });

  it("keeps its dump from a prune as long as it is pinned", async () => {
    const { field, regions, catalogs, dump, plan } = await open();
    const old = await dump(3);
    await plan({ kind: "newest" });
    const [middle, newest] = [await dump(1), await dump(0.5)];
    const context = {
      topology: field.topology,
      policy: field.topology.environment.retention!,
      account: field.cloud.account,
      regions,
      now: systemClock.now().toISOString(),
      signal: new AbortController().signal,
      tell: () => undefined,
    };
    const pruned = await prune(context, { clock: systemClock, print: () => undefined, waitMs: 0 });
    expect(pruned.dumps.map(({ id, action }) => [id, action])).toEqual([
      [newest.id, "keep"],
      [middle.id, "remove"],
      [old.id, "keep"],
    ]);
    expect((await catalogs[1]!.dumps("main")).map(({ id }) => id)).toEqual([old.id, newest.id]);
  });

  it("is refused when a prune has just begun to remove its dump", async () => {
    const { catalogs, dump, plan } = await open();
    const newest = await dump(1);
    const [catalog] = catalogs;
    const writePlan = catalog!.writePlan.bind(catalog);
    catalog!.writePlan = async (made) => {
      await writePlan(made);
      await catalog!.writeDump({ ...newest, status: "failed", faults: ["a prune has begun to remove it"] });
    };
    await expect(plan({ kind: "newest" })).rejects.toThrow("a prune has just taken away what plan");
  });
});
