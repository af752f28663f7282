import type { Socket } from "node:net";
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  paginateDescribeLoadBalancers,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { LostRegions } from "../lost-regions.ts";
import type { ListenerStatus } from "../protocol.ts";
import type { EmulatedRegion } from "./emulated-region.ts";
import { type ListenerWork, type OpenListener, openListener } from "./listener.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import type { TargetGroups } from "./target-groups.ts";

interface Wanted extends ListenerWork {
  loadBalancer: string;
  dnsName: string;
}

/** The open listeners of one region's load balancers, made to follow what the emulator says. */
export class Listeners {
  readonly #emulated: EmulatedRegion;
  readonly #groups: TargetGroups;
  readonly #lost: LostRegions;
  readonly #turn = new OneAtATime();
  readonly #open = new Map<string, { open: OpenListener; wanted: Wanted }>();

  constructor(emulated: EmulatedRegion, groups: TargetGroups, lost: LostRegions) {
    this.#emulated = emulated;
    this.#groups = groups;
    this.#lost = lost;
  }

  list(): ListenerStatus[] {
    return [...this.#open.values()].map(({ open, wanted: { loadBalancer, dnsName, listener } }) => ({
      region: this.#emulated.region,
      loadBalancer,
      dnsName,
      protocol: listener.Protocol ?? "",
      port: listener.Port ?? 0,
      address: `127.0.0.1:${open.port}`,
    }));
  }

  async look(): Promise<void> {
    await this.#turn.run(async () => {
      const wanted = await this.#wanted();
      for (const arn of this.#open.keys()) if (!wanted.has(arn)) this.#close(arn);
      for (const [arn, work] of wanted) {
        const open =
          this.#open.get(arn)?.open ??
          (await openListener(work, this.#groups, (socket) => this.#admit(socket)));
        open.work = work;
        this.#open.set(arn, { open, wanted: work });
      }
    });
  }

  close(): void {
    for (const arn of this.#open.keys()) this.#close(arn);
  }

  #close(arn: string): void {
    this.#open.get(arn)?.open.close();
    this.#open.delete(arn);
  }

  /** A lost region's load balancers fail as its API does: connections are reset, or nobody ever answers. */
  #admit(socket: Socket): boolean {
    const lost = this.#lost.firstOf([this.#emulated.region]);
    if (lost === undefined) return true;
    if (lost.mode === "refused") socket.destroy();
    else
      socket.on(
        "close",
        this.#lost.hold(lost.region, () => socket.destroy()),
      );
    return false;
  }

  async #wanted(): Promise<Map<string, Wanted>> {
    const { elb } = this.#emulated;
    const wanted = new Map<string, Wanted>();
    for await (const { LoadBalancers = [] } of paginateDescribeLoadBalancers({ client: elb }, {}))
      for (const { LoadBalancerArn, LoadBalancerName, DNSName } of LoadBalancers) {
        const asked = new DescribeListenersCommand({ LoadBalancerArn: LoadBalancerArn! });
        for (const listener of (await elb.send(asked)).Listeners ?? []) {
          const ListenerArn = listener.ListenerArn!;
          const { Rules = [] } = await elb.send(new DescribeRulesCommand({ ListenerArn }));
          const loadBalancer = LoadBalancerName ?? "";
          wanted.set(ListenerArn, { listener, rules: Rules, loadBalancer, dnsName: DNSName ?? "" });
        }
      }
    return wanted;
  }
}
