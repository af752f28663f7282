import type { Topology } from "../config/schema.ts";
import { fixedServers, isStateful } from "../config/servers.ts";
import type { Account } from "../edges/aws/account.ts";
import type { VolumeSnapshots } from "../edges/aws/snapshots.ts";
import type { Volumes } from "../edges/aws/volumes.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { ServerData } from "../edges/hosts/server-data.ts";
import { serviceTime } from "../edges/service-time.ts";
import type { Patience } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import { choosePoint, type Wish, whyNot } from "../recovery/choose.ts";
import { type RecoveryPoint, volumeSet } from "../recovery/point.ts";
import type { RunningServer } from "../restore/live-volume.ts";

/** A region that a server may run in, with all that restoring its volumes there takes. */
export interface RestoreRegion {
  catalog: Catalog;
  snapshots: VolumeSnapshots;
  volumes: Volumes;
  /** How the server's data is handled. The signal ends the way there, and not what was begun on the server. */
  data(server: RunningServer, signal: AbortSignal): ServerData;
  /** Lets one run at a time handle a server's data; another one waits. The signal that `work` gets ends it. */
  alone<T>(server: RunningServer, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

export interface RestoreContext extends Patience {
  topology: Topology;
  account: Pick<Account, "demand">;
  server: string;
  wish: Wish;
  regions: readonly RestoreRegion[];
  print(line: string): void;
}

/** Where a server runs. */
export interface Found {
  server: RunningServer;
  region: RestoreRegion;
}

/** Finds the one running server of that name. A region that does not answer may be where it runs: that is refused. */
export async function findServer(context: RestoreContext): Promise<Found> {
  const { topology, server: name, regions, account } = context;
  const { environment } = topology;
  const stateful = fixedServers(topology, "primary").filter(({ role }) => isStateful(topology.roles[role]!));
  if (!stateful.some((one) => one.name === name)) {
    const known = stateful.map((one) => one.name);
    throw new RekindleError(
      "bad-input",
      `environment ${environment.name} has no server ${JSON.stringify(name)} with data volumes; ` +
        (known.length === 0 ? "none of its roles has any" : `name one of ${known.join(", ")}`),
    );
  }
  const looks = await Promise.all(
    regions.map(async (region) => {
      try {
        await account.demand(environment.account, region.volumes.region);
        const servers = await region.volumes.servers(environment.name, name);
        return servers.map((server) => ({ server, region }));
      } catch (error) {
        if (!(error instanceof RekindleError) || error.kind !== "unreachable" || regions.length === 1)
          throw error;
        const move = `if ${name} runs in the other region, name that one with --region`;
        throw new RekindleError("unreachable", `${error.message}; ${move}`, { cause: error });
      }
    }),
  );
  const found = looks.flat();
  if (found.length === 1) return found[0]!;
  const where = regions.map(({ volumes }) => volumes.region).join(" and ");
  throw new RekindleError(
    "refused",
    found.length === 0
      ? `no server ${name} runs in ${where}; deploy its stack: its data comes with it`
      : `${name} runs more than once: ${found.map(({ server, region }) => `${server.instance} in ${region.volumes.region}`).join(", ")}; name one of the regions with --region`,
  );
}

/** The recovery point that the server's data comes from: from the catalog of the server's own region. */
export async function pointFor(context: RestoreContext, { region }: Found): Promise<RecoveryPoint> {
  const { topology, server, wish } = context;
  const role = fixedServers(topology, "primary").find(({ name }) => name === server)!.role;
  const { catalog } = region;
  const expected = {
    region: region.volumes.region,
    now: (await serviceTime(catalog.store, context.clock)).toISOString(),
    servers: { [server]: topology.roles[role]!.volumes.map(({ name }) => name) },
    databases: [],
  };
  const { points } = await catalog.contents(wish, (point) => whyNot(point, wish, expected));
  const choice = choosePoint(points, wish, expected);
  if (choice.kind === "none")
    throw new RekindleError("no-recovery-point", `nothing to restore the data of ${server} from`, {
      details: choice.reasons,
    });
  const { point } = choice;
  // The catalog's word is not enough: somebody may have deleted one since.
  for (const { name, snapshots } of volumeSet(point, server)!.volumes) {
    const state = await region.snapshots.state(snapshots[region.volumes.region]!);
    if (state.kind === "ready") continue;
    const reason = state.kind === "failed" ? state.reason : "it is not complete yet";
    throw new RekindleError(
      "no-recovery-point",
      `${point.id} can't be used for volume ${name}: ${reason}; name another one with --point`,
    );
  }
  return point;
}
