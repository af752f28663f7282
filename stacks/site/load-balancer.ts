import { Lb } from "@cdktf/provider-aws/lib/lb/index.js";
import { LbListener } from "@cdktf/provider-aws/lib/lb-listener/index.js";
import {
  LbTargetGroup,
  type LbTargetGroupHealthCheck,
} from "@cdktf/provider-aws/lib/lb-target-group/index.js";
import { dependable, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { loadBalancerName } from "../../bootstrap/config/names.ts";
import type { Role } from "../../bootstrap/config/schema.ts";
import type { Network } from "./network.ts";
import type { SecurityGroups } from "./security-groups.ts";
import type { SiteProps } from "./site.ts";

/** The way in to a fleet: load balancer, listener and target group, all by the same name. */
export class FleetLoadBalancer extends Construct {
  readonly targetGroupArn: string;
  readonly address: string;
  readonly listener: ITerraformDependable;

  constructor(
    scope: Construct,
    id: string,
    {
      topology,
      pins,
      role,
      network,
      securityGroups,
    }: SiteProps & { role: string; network: Network; securityGroups: SecurityGroups },
  ) {
    super(scope, id);
    const name = loadBalancerName(topology.environment.name, pins.site, role);
    const definition = topology.roles[role]!;
    const { listenPort, targetPort } = definition.loadBalancer!;
    const balancer = new Lb(this, "balancer", {
      name,
      loadBalancerType: "application",
      internal: false,
      subnets: network.publicSubnetIds,
      securityGroups: [securityGroups.loadBalancer(role)],
      dropInvalidHeaderFields: true,
    });
    const targets = new LbTargetGroup(this, "targets", {
      name,
      port: targetPort,
      protocol: "HTTP",
      vpcId: network.vpcId,
      deregistrationDelay: "30",
      healthCheck: healthCheck(definition),
    });
    this.listener = new LbListener(this, "listener", {
      loadBalancerArn: balancer.arn,
      port: listenPort,
      protocol: "HTTP",
      defaultAction: [{ type: "forward", targetGroupArn: targets.arn }],
      // A target group cannot go while a listener sends to it.
      lifecycle: { replaceTriggeredBy: [`${dependable(targets)}.arn`] },
    });
    this.targetGroupArn = targets.arn;
    this.address = balancer.dnsName;
  }
}

/** An application load balancer only asks over HTTP; a role checked otherwise is asked for `/` on its port. */
function healthCheck({ health, loadBalancer }: Role): LbTargetGroupHealthCheck {
  const timing = { interval: 10, timeout: 5, healthyThreshold: 2, unhealthyThreshold: 3 };
  if (health.kind === "http") {
    return { ...timing, protocol: "HTTP", port: String(health.port), path: health.path, matcher: "200" };
  }
  const port = health.kind === "tcp" ? health.port : loadBalancer!.targetPort;
  return { ...timing, protocol: "HTTP", port: String(port), path: "/", matcher: "200-499" };
}
