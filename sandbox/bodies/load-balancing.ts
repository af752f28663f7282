import type { TargetDescription } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Answer } from "../answer.ts";
import type { ApiRequest } from "../api-request.ts";
import type { StandIn } from "../stand-in.ts";
import { xmlText } from "../xml-text.ts";
import type { Listeners } from "./listeners.ts";
import type { Target, TargetGroups } from "./target-groups.ts";

interface LoadBalancingOfRegion {
  targetGroups: TargetGroups;
  listeners: Listeners;
}

/** Load balancers with bodies: target health is what the servers answer, and listeners are open. */
export class LoadBalancing implements StandIn {
  readonly #regionOf: (region: string) => Promise<LoadBalancingOfRegion>;

  constructor(regionOf: (region: string) => Promise<LoadBalancingOfRegion>) {
    this.#regionOf = regionOf;
  }

  async answer({ service, action, region, form }: ApiRequest): Promise<Answer | undefined> {
    if (service !== "elasticloadbalancing" || action !== "DescribeTargetHealth") return undefined;
    const { targetGroups } = await this.#regionOf(region);
    try {
      return healthAnswer(await targetGroups.check(form.get("TargetGroupArn") ?? "", namedTargets(form)));
    } catch (error) {
      // A request that the emulator refuses gets the emulator's own words.
      if ((error as { $fault?: string }).$fault === "client") return undefined;
      throw error;
    }
  }

  async after({ service, action, region }: ApiRequest): Promise<void> {
    if (service !== "elasticloadbalancing" || /^Describe|Tags$/.test(action)) return;
    await (await this.#regionOf(region)).listeners.look();
  }

  /** What it knows is the regions', which are reset by themselves. */
  reset(): void {}
}

function namedTargets(form: URLSearchParams): TargetDescription[] {
  const named: TargetDescription[] = [];
  for (let index = 1; form.has(`Targets.member.${index}.Id`); index += 1) {
    const port = form.get(`Targets.member.${index}.Port`);
    named.push({
      Id: form.get(`Targets.member.${index}.Id`)!,
      ...(port === null ? {} : { Port: Number(port) }),
    });
  }
  return named;
}

function healthAnswer(targets: readonly Target[]): Answer {
  const members = targets.map(({ id, port, healthPort, health: { state, reason, description } }) => {
    const why =
      (reason === undefined ? "" : `<Reason>${reason}</Reason>`) +
      (description === undefined ? "" : `<Description>${xmlText(description)}</Description>`);
    return `<member><HealthCheckPort>${healthPort}</HealthCheckPort><Target><Id>${id}</Id><Port>${port}</Port></Target><TargetHealth><State>${state}</State>${why}</TargetHealth></member>`;
  });
  const body = `<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeTargetHealthResult><TargetHealthDescriptions>${members.join("")}</TargetHealthDescriptions></DescribeTargetHealthResult><ResponseMetadata><RequestId>rekindle-gateway</RequestId></ResponseMetadata></DescribeTargetHealthResponse>`;
  return { status: 200, headers: ["Content-Type", "text/xml"], body: Buffer.from(body) };
}
