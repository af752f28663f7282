import { type Block, parseCidr } from "../config/cidr.ts";
import type { Topology } from "../config/schema.ts";
import { fixedServers, isFleet } from "../config/servers.ts";

/** What one rebuild asks of its region, beyond what lies in the catalog. */
export interface Needs {
  /** Instance type → number of servers. */
  servers: Record<string, number>;
  /** In which zone each instance type must be offered. */
  placements: { instanceType: string; zone: string }[];
  databases: { name: string; engine: string; engineVersion: string; instanceClass: string }[];
  /** The network's addresses. */
  block: Block;
  cidr: string;
}

export function needsOf(topology: Topology, region: string): Needs {
  const { environment, roles } = topology;
  const { cidr, zones } = environment.network.recovery;
  const servers: Record<string, number> = {};
  const placements = new Map<string, Needs["placements"][number]>();
  const fixed = fixedServers(topology, "recovery");
  for (const [role, { count, instanceType }] of Object.entries(environment.roles)) {
    servers[instanceType] = (servers[instanceType] ?? 0) + count;
    const letters = isFleet(roles[role]!)
      ? Object.keys(zones)
      : fixed.filter((server) => server.role === role).map((server) => server.zone);
    for (const letter of letters) {
      const placement = { instanceType, zone: `${region}${letter}` };
      placements.set(`${placement.zone} ${instanceType}`, placement);
    }
  }
  return {
    servers,
    placements: [...placements.values()],
    databases: Object.entries(environment.databases).map(
      ([name, { engine, engineVersion, instanceClass }]) => ({ name, engine, engineVersion, instanceClass }),
    ),
    // The configuration was checked: it is a block.
    block: parseCidr(cidr) as Block,
    cidr,
  };
}
