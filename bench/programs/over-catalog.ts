/** `rekindle plan`, `rekindle prune` and the look of `rekindle status` at a catalog: the argument says which. */
import { makePlan } from "../../bootstrap/commands/plan.ts";
import { dryPrune } from "../../bootstrap/commands/prune.ts";
import type { Topology } from "../../bootstrap/config/schema.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { connectCloud } from "../../bootstrap/edges/cloud.ts";
import { serviceTime } from "../../bootstrap/edges/service-time.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { benchTopology } from "../catalog-topology.ts";

const access = { endpoint: process.env.AWS_ENDPOINT_URL!, stopwatch: new Stopwatch(systemClock) };
const topology: Topology = benchTopology();
const cloud = connectCloud(access, topology);
const { catalog, backups } = cloud.recovery;

switch (process.argv[2]) {
  case "plan": {
    const wish = { kind: "newest" } as const;
    const recoveryDeployed = async () => false;
    const shared = { topology, catalog, backups, pinTo: catalog, account: cloud.account, clock: systemClock };
    console.log(JSON.stringify(await makePlan({ ...shared, wish, recoveryDeployed })));
    break;
  }
  case "newest":
    console.log((await catalog.points(1))[0]!.takenAt);
    break;
  case "prune": {
    const pruned = await dryPrune({
      topology,
      policy: topology.environment.retention!,
      account: cloud.account,
      regions: [cloud.recovery, cloud.primary],
      now: (await serviceTime(catalog.store, systemClock)).toISOString(),
      signal: new AbortController().signal,
      tell: ({ point, action, reasons }) =>
        console.log(`${action} ${point.id}: ${reasons.map(({ text }) => text).join("; ")}`),
    });
    console.log(JSON.stringify(pruned));
    break;
  }
}
