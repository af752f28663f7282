import { TerraformOutput } from "cdktf";
import { Construct } from "constructs";
import { fixedServers, isFleet } from "../../bootstrap/config/servers.ts";
import { ManagedDatabase } from "./database.ts";
import { FixedServers } from "./fixed-servers.ts";
import { Fleet } from "./fleet.ts";
import { Network } from "./network.ts";
import { Order } from "./order.ts";
import { SecurityGroups } from "./security-groups.ts";
import type { SiteProps } from "./site.ts";

/**
 * A whole environment in one region. Primary and recovery are both this, with two sets of pins. It makes no IAM
 * role, key, bucket or hosted zone and looks nothing up: on the day only this region's control planes are asked.
 */
export class EnvironmentSite extends Construct {
  constructor(scope: Construct, id: string, props: SiteProps) {
    super(scope, id);
    const { environment, roles } = props.topology;
    const network = new Network(this, "network", props);
    const securityGroups = new SecurityGroups(this, "security-groups", { ...props, network });
    const order = new Order(this, "order", { environment, network });
    const servers = fixedServers(props.topology, props.pins.site);
    const outputs = { loadBalancers: new Map<string, string>(), databases: new Map<string, string>() };

    for (const name of Object.keys(environment.databases)) {
      const database = new ManagedDatabase(this, `database-${name}`, {
        ...props,
        name,
        network,
        securityGroups,
      });
      order.provides(name, database.ready);
      outputs.databases.set(name, database.endpoint);
    }
    for (const role of Object.keys(environment.roles)) {
      const common = { ...props, role, network, securityGroups, after: order.before(role) };
      if (isFleet(roles[role]!)) {
        const fleet = new Fleet(this, `role-${role}`, common);
        order.provides(role, fleet.ready);
        outputs.loadBalancers.set(role, fleet.address);
      } else {
        const mine = servers.filter((server) => server.role === role);
        order.provides(role, new FixedServers(this, `role-${role}`, { ...common, servers: mine }).ready);
      }
    }

    output(this, "load_balancers", Object.fromEntries(outputs.loadBalancers));
    output(
      this,
      "servers",
      Object.fromEntries(servers.map(({ name, privateAddress }) => [name, privateAddress])),
    );
    output(this, "databases", Object.fromEntries(outputs.databases));
  }
}

function output(scope: Construct, name: string, value: Record<string, string>): void {
  new TerraformOutput(scope, name, { value, staticId: true });
}
