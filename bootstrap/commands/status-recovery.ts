import { instanceProfile } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { ObjectStore } from "../edges/aws/objects.ts";
import type { Trial } from "../edges/aws/permissions.ts";
import { lockHolder } from "../edges/terraform-state.ts";
import type { Pins } from "../recovery/pins.ts";
import { type CatalogContents, resolvePlan } from "../recovery/resolve.ts";
import type { Restorable } from "../recovery/restorable.ts";
import { databaseActions } from "../status/database-actions.ts";
import { type Needs, needsOf } from "../status/needs.ts";
import type { Looked, StatusCheck } from "../status/outcome.ts";
import { pinnedParts } from "../status/pinned-parts.ts";
import {
  addressesQuota,
  networksQuota,
  type Quota,
  type QuotaUse,
  quotaOf,
  vcpuNeeds,
} from "../status/quotas.ts";
import { type RecoveryLooks, recoveryChecks } from "../status/recovery-checks.ts";
import { look, lookOn } from "./look.ts";
import type { StatusRegion } from "./status-region.ts";

interface Rebuild {
  topology: Topology;
  region: StatusRegion;
  state: ObjectStore;
  /** What is known of the region already: by it a plan is made. */
  seen: Looked<{ now: string; caller: string; contents: CatalogContents; restorable: readonly Restorable[] }>;
}

/** Looks at all that a rebuild of this moment would need, in its own region. Starts nothing and pins no plan. */
export async function recoveryStatus(rebuild: Rebuild): Promise<StatusCheck[]> {
  const { topology, region, state, seen } = rebuild;
  const needs = needsOf(topology, region.region);
  const planned = await lookOn(seen, async ({ now, contents, restorable }) =>
    resolvePlan({ topology, region: region.region, wish: { kind: "newest" }, now, contents, restorable }),
  );
  const pins =
    planned.kind === "seen" && planned.value.kind === "planned" ? planned.value.plan.pins : undefined;
  const [pinned, capacity, denied, held] = await Promise.all([
    pins && lookAtPins(rebuild, needs, pins),
    lookAtCapacity(rebuild, needs),
    lookOn(seen, ({ caller }) =>
      region.permissions.denied(caller, beyondDryRuns(topology, pins?.databases ?? {})),
    ),
    look(async (): Promise<{ lockedBy?: string }> => {
      await state.inspect();
      const lockedBy = await lockHolder(state, "recovery-stack.tfstate");
      return lockedBy === undefined ? {} : { lockedBy };
    }),
  ]);
  return recoveryChecks(
    { planned, ...(pinned === undefined ? {} : { pinned }), ...capacity, denied, state: held },
    needs,
  );
}

async function lookAtPins(
  { topology, region }: Rebuild,
  needs: Needs,
  pins: Pins,
): Promise<NonNullable<RecoveryLooks["pinned"]>> {
  const { parts, permissions } = region;
  const wanted = pinnedParts(pins);
  const [images, snapshots, databaseSnapshots, dryRuns] = await Promise.all([
    look(() => parts.images(wanted.images)),
    look(() => parts.snapshots(wanted.snapshots)),
    look(() => parts.databaseSnapshots(wanted.databaseSnapshots)),
    look(() => permissions.dryRuns(trialOf(topology, region.region, needs, pins))),
  ]);
  const keyArns = new Set([pins.encryptionKey]);
  for (const looked of [snapshots, databaseSnapshots]) {
    if (looked.kind === "could-not-look") continue;
    for (const { keyArn } of looked.value.values()) if (keyArn !== undefined) keyArns.add(keyArn);
  }
  const keys = await look(async () => {
    const faults = [...keyArns].map(async (arn) => [arn, await parts.keyFault(arn)] as const);
    return new Map(await Promise.all(faults));
  });
  return { pins, images, snapshots, databaseSnapshots, keys, dryRuns };
}

/** One server of each role, and a volume as the first one that comes back. */
function trialOf({ environment }: Topology, region: string, needs: Needs, pins: Pins): Trial {
  const zone = needs.placements[0]?.zone ?? `${region}${Object.keys(environment.network.recovery.zones)[0]}`;
  const [snapshotId] = pinnedParts(pins).snapshots;
  return {
    zone,
    encryptionKey: pins.encryptionKey,
    ...(snapshotId === undefined ? {} : { snapshotId }),
    servers: Object.entries(pins.roles).map(([role, { imageId }]) => ({
      role,
      imageId,
      instanceType: environment.roles[role]!.instanceType,
      instanceProfile: instanceProfile(environment.name, role),
    })),
  };
}

/** What a rebuild calls beside what is tried as a dry run. */
function beyondDryRuns({ environment }: Topology, databases: Pins["databases"]): string[] {
  return [
    "autoscaling:CreateAutoScalingGroup",
    "ec2:AllocateAddress",
    "ec2:CreateLaunchTemplate",
    "ec2:CreateNatGateway",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateVpc",
    "elasticloadbalancing:CreateListener",
    "elasticloadbalancing:CreateLoadBalancer",
    "elasticloadbalancing:CreateTargetGroup",
    "ssm:PutParameter",
    ...databaseActions(environment, databases),
  ];
}

type CapacityLooks = Pick<
  RecoveryLooks,
  "offered" | "orderable" | "vcpus" | "networkUse" | "addressUse" | "networks"
>;

async function lookAtCapacity({ topology, region }: Rebuild, needs: Needs): Promise<CapacityLooks> {
  const { capacity } = region;
  const environment = topology.environment.name;
  const [offered, orderable, vcpus, networks, addresses] = await Promise.all([
    look(() => capacity.offered(Object.keys(needs.servers))),
    look(() => capacity.orderable(needs.databases)),
    lookAtVcpus(region, environment, needs),
    look(() => capacity.networks(environment)),
    look(() => capacity.addresses(environment)),
  ]);
  const limited = (quota: Quota, used: Looked<number>): Promise<Looked<QuotaUse>> =>
    lookOn(used, async (used) => ({ limit: await capacity.limit(quota), used }));
  const others = await lookOn(networks, async (all) => all.filter(({ isOwn }) => !isOwn).length);
  const [networkUse, addressUse] = await Promise.all([
    limited(networksQuota, others),
    limited(addressesQuota, addresses),
  ]);
  return { offered, orderable, vcpus, networks, networkUse, addressUse };
}

async function lookAtVcpus(
  { capacity }: StatusRegion,
  environment: string,
  needs: Needs,
): Promise<RecoveryLooks["vcpus"]> {
  return await look(async () => {
    const running = await capacity.running(environment);
    const vcpus = await capacity.vcpus([...new Set([...Object.keys(needs.servers), ...running.keys()])]);
    return await Promise.all(
      vcpuNeeds(needs, vcpus).map(async ({ quota, needed }) => {
        const used = [...running]
          .filter(([instanceType]) => quotaOf(instanceType).code === quota.code)
          .reduce((sum, [instanceType, count]) => sum + count * (vcpus.get(instanceType) ?? 0), 0);
        return { quota, needed, use: await look(async () => ({ limit: await capacity.limit(quota), used })) };
      }),
    );
  });
}
