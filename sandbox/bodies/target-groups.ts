import type { Duplex } from "node:stream";
import {
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  type TargetDescription,
  type TargetGroup,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Clock } from "../../bootstrap/edges/clock.ts";
import { checkHealth, type Health, healthPortOf } from "./health-check.ts";
import type { RegionBodies } from "./region-bodies.ts";

/** A registered target, and where it is; without an address when it has no body. */
export interface Target {
  id: string;
  port: number;
  /** Where its health is asked for. */
  healthPort: number;
  address: string | undefined;
  health: Health;
}

/** For how long a load balancer goes by a check before it checks again. */
const freshMs = 1_000;

/** The targets of one region's load balancers, as their real servers answer. */
export class TargetGroups {
  readonly #bodies: RegionBodies;
  readonly #clock: Clock;
  readonly #checked = new Map<string, { until: number; targets: Promise<Target[]> }>();

  constructor(bodies: RegionBodies, clock: Clock) {
    this.#bodies = bodies;
    this.#clock = clock;
  }

  /** Checks each of these targets now; all of the group's when none is named. */
  async check(groupArn: string, named: TargetDescription[] = []): Promise<Target[]> {
    const { elb } = this.#bodies.emulated;
    const TargetGroupArn = groupArn;
    const [described, registered] = await Promise.all([
      elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [groupArn] })),
      elb.send(
        new DescribeTargetHealthCommand({ TargetGroupArn, ...(named.length > 0 ? { Targets: named } : {}) }),
      ),
    ]);
    const group = described.TargetGroups![0]!;
    return await Promise.all(
      (registered.TargetHealthDescriptions ?? []).map(async ({ Target, TargetHealth }) => {
        const id = Target!.Id!;
        const port = Target!.Port ?? group.Port ?? 80;
        const address = this.#addressOf(id);
        const { State = "unhealthy", Reason, Description } = TargetHealth ?? {};
        const known = {
          state: State,
          ...optional("reason", Reason),
          ...optional("description", Description),
        };
        const healthPort = healthPortOf(group, port);
        return {
          id,
          port,
          healthPort,
          address,
          health: await this.#healthOf(group, known, address, healthPort),
        };
      }),
    );
  }

  /** The same, by a check that may be a second old. */
  async recent(groupArn: string): Promise<Target[]> {
    const known = this.#checked.get(groupArn);
    const now = this.#clock.monotonic();
    if (known !== undefined && known.until > now) return await known.targets;
    const targets = this.check(groupArn);
    this.#checked.set(groupArn, { until: now + freshMs, targets });
    return await targets;
  }

  async connect({ address, id }: Target, port: number): Promise<Duplex> {
    if (address === undefined) throw new Error(`${id} does not run`);
    return await this.#bodies.engine.connect(address, port);
  }

  /** What the emulator knows to be out of use is not asked. */
  async #healthOf(
    group: TargetGroup,
    known: Health,
    address: string | undefined,
    port: number,
  ): Promise<Health> {
    if (known.state !== "healthy") return known;
    if ((group.LoadBalancerArns ?? []).length === 0)
      return {
        state: "unused",
        reason: "Target.NotInUse",
        description: "Target group is not configured to receive traffic from the load balancer",
      };
    return await checkHealth(group, async () => {
      if (address === undefined) throw new Error("the target does not run");
      return await this.#bodies.engine.connect(address, port);
    });
  }

  /** A target is an instance's id or an address. */
  #addressOf(id: string): string | undefined {
    return id.startsWith("i-") ? this.#bodies.machines.get(id)?.instance.PrivateIpAddress : id;
  }
}

function optional<K extends string>(key: K, value: string | undefined): { [key in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: string });
}
