import { siteBucket } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import { firstHost, fixedServers, hostAddress, isFleet } from "../config/servers.ts";

/** The server that a rehearsal of a role boots: the primary site's first one. */
export interface RehearsedServer {
  /** `db-0`; the role's name for a fleet. */
  name: string;
  role: string;
  address: string;
  region: string;
  /** Where its release would be. */
  bucket: string;
}

export function rehearsedServer(topology: Topology, role: string): RehearsedServer {
  const { name, account, regions } = topology.environment;
  const region = regions.primary;
  const fixed = fixedServers(topology, "primary");
  const own = fixed.find((server) => server.role === role);
  return {
    name: own?.name ?? role,
    role,
    address: own?.privateAddress ?? firstFree(topology, fixed.length),
    region,
    bucket: siteBucket(name, account, region),
  };
}

/** What the role's servers wait for in a deployment, by name: none of it is there when one server runs alone. */
export function absentFor({ environment, roles }: Topology, role: string): string[] {
  return environment.roles[role]!.dependsOn.map((name) => {
    if (!(name in environment.roles)) return `database ${name}: its endpoint is a name that nobody knows`;
    const servers = isFleet(roles[name]!) ? "its load balancer" : "its server";
    return `role ${name}: ${servers} does not answer`;
  });
}

/** A fleet's servers get any address: one that is no fixed server's. */
function firstFree({ environment }: Topology, taken: number): string {
  const { zones } = environment.network.primary;
  const [first] = Object.keys(zones).sort((a, b) => a.localeCompare(b));
  return hostAddress(zones[first!]!.private, firstHost + taken);
}
