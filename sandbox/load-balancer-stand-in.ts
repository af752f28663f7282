import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import type { Emulator } from "./emulator.ts";
import { callQueryService } from "./forward.ts";
import type { StandIn } from "./stand-in.ts";

/**
 * Stands in for the time in which AWS provisions a load balancer. The emulator's is `provisioning` when first looked
 * at and `active` from then on; Terraform looks after half a minute and again a minute later, so that a look of the
 * gateway's own saves every rehearsal that minute. What a load balancer takes in AWS is not measured here.
 */
export const loadBalancerStandIn: StandIn = {
  answer: () => undefined,
  reset: () => undefined,
  async after({ service, action, region }: ApiRequest, answer: Answer, emulator: Emulator) {
    if (service !== "elasticloadbalancing" || action !== "CreateLoadBalancer") return;
    const arn = /<LoadBalancerArn>([^<]+)<\/LoadBalancerArn>/.exec(answer.body.toString())?.[1];
    // Classic load balancers have no ARN and are never provisioning.
    if (arn === undefined) return;
    await callQueryService(emulator, service, region, {
      Action: "DescribeLoadBalancers",
      Version: "2015-12-01",
      "LoadBalancerArns.member.1": arn,
    });
  },
};
