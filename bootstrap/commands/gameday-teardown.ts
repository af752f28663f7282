import { existsSync } from "node:fs";
import { join } from "node:path";
import { siteBucket, stateBucket } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { Stopwatch } from "../edges/stopwatch.ts";
import type { Leftover } from "../gameday/report.ts";
import type { Field } from "./field.ts";

export interface TeardownContext {
  folder: string;
  topology: Topology;
  stopwatch: Stopwatch;
}

/** Takes away everything that a game day made, in reverse. The lost region comes back first, to be cleaned too. */
export async function tearDown(
  context: TeardownContext,
  { sandbox, cloud, terraform, live }: Field,
  parameters: readonly string[],
): Promise<void> {
  const { name, account, regions } = context.topology.environment;
  const { places } = cloud;
  await sandbox.restoreRegion(regions.primary);
  await Promise.all(places.map(({ sweep }) => sweep.servers(name)));

  const destroy = async (when: "before" | "after", stack: string) => {
    const dir = join(context.folder, when, "cdktf.out", "stacks", stack);
    // A stack that was never initialized deployed nothing.
    if (!existsSync(join(dir, ".terraform"))) return;
    await context.stopwatch.during("terraform", () => terraform.destroy(dir));
  };
  // Both are waited for, also when one fails: a Terraform that goes on alone would meet a sandbox that is gone.
  const destroyed = await Promise.allSettled([
    destroy("after", "recovery-stack"),
    destroy("before", "primary-stack"),
  ]);
  for (const outcome of destroyed) if (outcome.status === "rejected") throw outcome.reason;
  for (const { place, sweep } of places) {
    await sweep.data(name);
    await sweep.emptyBucket(siteBucket(name, place.account, place.region));
  }
  for (const region of live?.parameters ?? []) await region.remove(parameters);
  await destroy("before", "foundation-stack");
  const state = stateBucket(name, account, regions.recovery);
  await cloud.recovery.sweep.emptyBucket(state);
  await cloud.recovery.sweep.deleteBucket(state);
}

export async function countLeftovers({ topology }: TeardownContext, { cloud }: Field): Promise<Leftover[]> {
  return (
    await Promise.all(cloud.places.map(({ sweep }) => sweep.leftovers(topology.environment.name)))
  ).flat();
}
