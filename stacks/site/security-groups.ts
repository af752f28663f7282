import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group/index.js";
import { VpcSecurityGroupEgressRule } from "@cdktf/provider-aws/lib/vpc-security-group-egress-rule/index.js";
import { VpcSecurityGroupIngressRule } from "@cdktf/provider-aws/lib/vpc-security-group-ingress-rule/index.js";
import { Construct } from "constructs";
import type { Network } from "./network.ts";
import type { SiteProps } from "./site.ts";
import { securityGroupName } from "./site-names.ts";

/**
 * One group per role, load balancer and database; rules name groups, never addresses, and each is a resource of
 * its own, so that two roles may reach each other. Servers reach out freely; databases reach nothing.
 */
export class SecurityGroups extends Construct {
  readonly #groups = new Map<string, SecurityGroup>();
  readonly #props: SiteProps & { network: Network };

  constructor(scope: Construct, id: string, props: SiteProps & { network: Network }) {
    super(scope, id);
    this.#props = props;
    const { environment, roles } = props.topology;
    for (const role of Object.keys(environment.roles)) this.#group("role", role);
    for (const database of Object.keys(environment.databases)) this.#group("database", database);

    for (const name of Object.keys(environment.roles)) {
      const role = roles[name]!;
      new VpcSecurityGroupEgressRule(this, `role-${name}-out`, {
        securityGroupId: this.role(name),
        ipProtocol: "-1",
        cidrIpv4: "0.0.0.0/0",
      });
      for (const { port, from } of role.listens) {
        for (const client of from)
          this.#allow(`role-${name}-${port}-from-${client}`, this.role(client), this.role(name), port);
      }
      if (role.loadBalancer === undefined) continue;
      this.#group("load-balancer", name);
      new VpcSecurityGroupIngressRule(this, `load-balancer-${name}-in`, {
        securityGroupId: this.loadBalancer(name),
        ipProtocol: "tcp",
        fromPort: role.loadBalancer.listenPort,
        toPort: role.loadBalancer.listenPort,
        cidrIpv4: "0.0.0.0/0",
      });
      for (const port of targetPorts(role)) {
        this.#allow(
          `role-${name}-${port}-from-load-balancer`,
          this.loadBalancer(name),
          this.role(name),
          port,
        );
        new VpcSecurityGroupEgressRule(this, `load-balancer-${name}-${port}-out`, {
          securityGroupId: this.loadBalancer(name),
          ipProtocol: "tcp",
          fromPort: port,
          toPort: port,
          referencedSecurityGroupId: this.role(name),
        });
      }
    }
    for (const [name, { clients, port }] of Object.entries(environment.databases)) {
      for (const client of clients)
        this.#allow(`database-${name}-from-${client}`, this.role(client), this.database(name), port);
    }
  }

  role(name: string): string {
    return this.#groups.get(`role/${name}`)!.id;
  }

  loadBalancer(role: string): string {
    return this.#groups.get(`load-balancer/${role}`)!.id;
  }

  database(name: string): string {
    return this.#groups.get(`database/${name}`)!.id;
  }

  #group(kind: "role" | "load-balancer" | "database", name: string): void {
    const { topology, pins, network } = this.#props;
    const fullName = securityGroupName(topology.environment.name, pins.site, kind, name);
    const group = new SecurityGroup(this, `${kind}-${name}`, {
      vpcId: network.vpcId,
      name: fullName,
      description: `${kind} ${name} of ${topology.environment.name}`,
      tags: { Name: fullName },
    });
    this.#groups.set(`${kind}/${name}`, group);
  }

  #allow(id: string, from: string, to: string, port: number): void {
    new VpcSecurityGroupIngressRule(this, id, {
      securityGroupId: to,
      referencedSecurityGroupId: from,
      ipProtocol: "tcp",
      fromPort: port,
      toPort: port,
    });
  }
}

/** Where a load balancer sends requests and looks for health. */
function targetPorts(role: SiteProps["topology"]["roles"][string]): Set<number> {
  const ports = role.loadBalancer === undefined ? [] : [role.loadBalancer.targetPort];
  return new Set(role.health.kind === "command" ? ports : [...ports, role.health.port]);
}
