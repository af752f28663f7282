import type { Fault } from "../errors.ts";
import { parseCidr } from "./cidr.ts";
import { durationSeconds } from "./duration.ts";
import { builderProfile, instanceProfile, loadBalancerName } from "./names.ts";
import type { Rule, Subject } from "./rule.ts";
import type { Site } from "./schema.ts";
import { firstHost, fixedServers, isFleet } from "./servers.ts";

/** What AWS has room for: names, addresses, and times that can be met. */
export const capacityRules: Rule[] = [
  {
    name: "no role takes the builders' identity",
    needs: ["name", "roles"],
    check: ({ topology: { environment }, environmentFile }) =>
      Object.keys(environment.roles)
        .filter((role) => instanceProfile(environment.name, role) === builderProfile(environment.name))
        .map((role) => ({
          place: environmentFile.keyPlace(["roles"], role),
          message: `a role named ${role} would share its instance profile with the builders of images`,
          move: "rename the role",
        })),
  },
  {
    name: "load balancers' names fit",
    needs: ["name", "roles"],
    check: ({ topology: { environment, roles }, environmentFile }) =>
      Object.keys(environment.roles).flatMap((role) => {
        const full = loadBalancerName(environment.name, "primary", role);
        const isNamed = roles[role] !== undefined && isFleet(roles[role]);
        const place = environmentFile.keyPlace(["roles"], role);
        if (!isNamed) return [];
        if (full.length > 32)
          return [
            {
              place,
              message: `the load balancer's name ${full} has ${full.length} characters, over AWS's limit of 32`,
              move: "shorten the role's or the environment's name",
            },
          ];
        return full.startsWith("internal-")
          ? [
              {
                place,
                message: `the load balancer's name ${full} begins with internal-, which AWS keeps for itself`,
                move: "rename the environment",
              },
            ]
          : [];
      }),
  },
  {
    name: "fixed servers fit into their subnets",
    needs: ["network", "roles"],
    check: (subject) => (["primary", "recovery"] as const).flatMap((site) => crowdedSubnets(subject, site)),
  },
  {
    name: "objectives can be met",
    needs: ["objectives"],
    check: ({ topology, environmentFile }) =>
      (["rpo", "rto"] as const)
        .filter((key) => durationSeconds(topology.environment.objectives[key]) === 0)
        .map((key) => ({
          place: environmentFile.place(["objectives", key]),
          message: `objectives.${key} is ${topology.environment.objectives[key]}`,
          move: "give a time that can be met",
        })),
  },
];

/** The last address of a subnet is its broadcast address. */
function crowdedSubnets({ topology, environmentFile }: Subject, site: Site): Fault[] {
  const { network, roles } = topology.environment;
  const zones = Object.entries(network[site].zones);
  // Without every role, or without a zone, nobody knows which server goes where; that has a fault of its own.
  if (zones.length === 0 || Object.keys(roles).some((role) => topology.roles[role] === undefined)) return [];
  const servers = fixedServers(topology, site);
  return zones.flatMap(([zone, subnets]) => {
    const block = parseCidr(subnets.private);
    if (typeof block === "string") return [];
    const room = Math.max(0, block.last - block.first - firstHost);
    const wanted = servers.filter((server) => server.zone === zone).length;
    if (wanted <= room) return [];
    return [
      {
        place: environmentFile.place(["network", site, "zones", zone, "private"]),
        message: `subnet ${subnets.private} has room for ${room} fixed servers, and ${wanted} are wanted`,
        move: "choose a larger subnet, or add a zone",
      },
    ];
  });
}
