import type { Role, Site, Topology } from "./schema.ts";

/** Whom a security group guards. Slashes keep a role `web-lb` and the load balancer of `web` apart. */
export type Guarded = `role/${string}` | `load-balancer/${string}` | `database/${string}`;

/** One security group: its name, and who may reach which port. Everything else is refused. */
export interface SecurityGroup {
  guards: Guarded;
  name: string;
  ingress: { port: number; from: Guarded | "0.0.0.0/0" }[];
}

/** Every security group of a site: the stack makes these, and verification looks for these. */
export function securityGroups(topology: Topology, site: Site): SecurityGroup[] {
  const { environment, roles } = topology;
  const group = (guards: Guarded, ingress: SecurityGroup["ingress"]): SecurityGroup => ({
    guards,
    name: securityGroupName(environment.name, site, guards),
    ingress,
  });
  const ofRoles = Object.keys(environment.roles).flatMap((name) => {
    const role = roles[name]!;
    const fromBalancer = targetPorts(role).map((port) => ({ port, from: `load-balancer/${name}` as const }));
    const fromRoles = role.listens.flatMap(({ port, from }) =>
      from.map((client) => ({ port, from: `role/${client}` as const })),
    );
    const own = group(`role/${name}`, [...fromBalancer, ...fromRoles]);
    if (role.loadBalancer === undefined) return [own];
    return [own, group(`load-balancer/${name}`, [{ port: role.loadBalancer.listenPort, from: "0.0.0.0/0" }])];
  });
  const ofDatabases = Object.entries(environment.databases).map(([name, { port, clients }]) =>
    group(
      `database/${name}`,
      clients.map((client) => ({ port, from: `role/${client}` as const })),
    ),
  );
  return [...ofRoles, ...ofDatabases];
}

export function securityGroupName(environment: string, site: Site, guards: Guarded): string {
  return `rekindle/${environment}/${site}/${guards}`;
}

/** Where a load balancer sends requests and looks for health. */
export function targetPorts({ loadBalancer, health }: Role): number[] {
  if (loadBalancer === undefined) return [];
  const ports = new Set([loadBalancer.targetPort, ...(health.kind === "command" ? [] : [health.port])]);
  return [...ports];
}
