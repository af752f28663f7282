import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group/index.js";
import { VpcSecurityGroupEgressRule } from "@cdktf/provider-aws/lib/vpc-security-group-egress-rule/index.js";
import { VpcSecurityGroupIngressRule } from "@cdktf/provider-aws/lib/vpc-security-group-ingress-rule/index.js";
import { Construct } from "constructs";
import { type Guarded, securityGroups, targetPorts } from "../../bootstrap/config/security.ts";
import type { Network } from "./network.ts";
import type { SiteProps } from "./site.ts";

/**
 * One group per role, load balancer and database; rules name groups, never addresses, and each is a resource of
 * its own, so that two roles may reach each other. Servers reach out freely; databases reach nothing.
 */
export class SecurityGroups extends Construct {
  readonly #groups = new Map<Guarded, SecurityGroup>();

  constructor(scope: Construct, id: string, { topology, pins, network }: SiteProps & { network: Network }) {
    super(scope, id);
    const { environment, roles } = topology;
    const wanted = securityGroups(topology, pins.site);
    for (const { guards, name } of wanted) {
      const group = new SecurityGroup(this, addressOf(guards), {
        vpcId: network.vpcId,
        name,
        description: `${guards.replace("/", " ")} of ${environment.name}`,
        tags: { Name: name },
      });
      this.#groups.set(guards, group);
    }
    for (const { guards, ingress } of wanted) {
      for (const { port, from } of ingress) {
        new VpcSecurityGroupIngressRule(this, `${addressOf(guards)}-${port}-from-${addressOf(from)}`, {
          securityGroupId: this.#id(guards),
          ...(from === "0.0.0.0/0" ? { cidrIpv4: from } : { referencedSecurityGroupId: this.#id(from) }),
          ipProtocol: "tcp",
          fromPort: port,
          toPort: port,
        });
      }
    }
    for (const name of Object.keys(environment.roles)) {
      new VpcSecurityGroupEgressRule(this, `role-${name}-out`, {
        securityGroupId: this.role(name),
        ipProtocol: "-1",
        cidrIpv4: "0.0.0.0/0",
      });
      for (const port of targetPorts(roles[name]!)) {
        new VpcSecurityGroupEgressRule(this, `load-balancer-${name}-${port}-out`, {
          securityGroupId: this.loadBalancer(name),
          ipProtocol: "tcp",
          fromPort: port,
          toPort: port,
          referencedSecurityGroupId: this.role(name),
        });
      }
    }
  }

  role(name: string): string {
    return this.#id(`role/${name}`);
  }

  loadBalancer(role: string): string {
    return this.#id(`load-balancer/${role}`);
  }

  database(name: string): string {
    return this.#id(`database/${name}`);
  }

  #id(guards: Guarded): string {
    return this.#groups.get(guards)!.id;
  }
}

function addressOf(guards: string): string {
  return guards.replaceAll("/", "-").replaceAll(".", "-");
}
