import type { Environment, Role, Site, Topology } from "./schema.ts";

/** A server of a role without a load balancer: it has a name, a zone and an address of its own. */
export interface FixedServer {
  /** `<role>-<index>`, such as `db-0`. */
  name: string;
  role: string;
  index: number;
  /** Availability zone letter. */
  zone: string;
  privateAddress: string;
}

/** Hosts 0 to 3 of a subnet belong to AWS, and the ones below 16 are left to load balancers and NAT. */
export const firstHost = 16;

/** Every fixed server of a site: zones in turn, addresses in the order of the roles' names. */
export function fixedServers(topology: Topology, site: Site): FixedServer[] {
  const zones = Object.entries(topology.environment.network[site].zones).sort(([a], [b]) =>
    a.localeCompare(b),
  );
  const servers: FixedServer[] = [];
  const nextHost = new Map<string, number>();
  for (const role of Object.keys(topology.environment.roles).sort()) {
    if (isFleet(topology.roles[role]!)) continue;
    for (let index = 0; index < topology.environment.roles[role]!.count; index++) {
      const [zone, subnets] = zones[index % zones.length]!;
      const host = nextHost.get(zone) ?? firstHost;
      nextHost.set(zone, host + 1);
      servers.push({
        name: `${role}-${index}`,
        role,
        index,
        zone,
        privateAddress: hostAddress(subnets.private, host),
      });
    }
  }
  return servers;
}

/** A fleet is a role behind a load balancer; its servers come and go and have no names. */
export function isFleet(role: Role): boolean {
  return role.loadBalancer !== undefined;
}

/** A stateful role has data volumes. */
export function isStateful(role: Role): boolean {
  return role.volumes.length > 0;
}

export function regionOf(environment: Environment, site: Site): string {
  return environment.regions[site];
}

/** The n-th address of an IPv4 block, in dotted form. */
export function hostAddress(cidr: string, host: number): string {
  const [base] = cidr.split("/");
  const number = base!.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) + host;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
