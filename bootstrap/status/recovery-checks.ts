import { type Block, overlaps, parseCidr } from "../config/cidr.ts";
import { type Pins, snapshotsOf } from "../recovery/pins.ts";
import type { Planned } from "../recovery/resolve.ts";
import type { Needs } from "./needs.ts";
import { failed, judged, type Looked, passed, type StatusCheck } from "./outcome.ts";
import { addressesQuota, networksQuota, type Quota, type QuotaUse, quotaCheck } from "./quotas.ts";

/** Parts of a plan as their region knows them: id → state, and the key that they are encrypted with. Others are gone. */
export type Parts = ReadonlyMap<string, { state: string; keyArn?: string }>;

/** What EC2 says to a call that it shall not carry out: whether it would have. */
export interface DryRun {
  call: string;
  answer: "allowed" | "refused" | "undecided";
  /** Its words, unless it would have. */
  said?: string;
}

/** A network that is in the region already. */
export interface PresentNetwork {
  id: string;
  cidrs: readonly string[];
  /** Of this environment's own recovery site. */
  isOwn: boolean;
}

/** Everything that was looked at in the region of a rebuild. */
export interface RecoveryLooks {
  planned: Looked<Planned>;
  /** What only a plan can name. */
  pinned?: {
    pins: Pins;
    images: Looked<Parts>;
    snapshots: Looked<Parts>;
    databaseSnapshots: Looked<Parts>;
    /** Key → why it can't be used; nothing when it can. */
    keys: Looked<ReadonlyMap<string, string | undefined>>;
    dryRuns: Looked<readonly DryRun[]>;
  };
  /** Those of a rebuild's other actions that IAM says are denied. */
  denied: Looked<readonly string[]>;
  /** Zone and instance type of what is offered, as `eu-central-1a t3.small`. */
  offered: Looked<ReadonlySet<string>>;
  /** Databases whose class is offered there. */
  orderable: Looked<ReadonlySet<string>>;
  vcpus: Looked<readonly { quota: Quota; needed: number; use: Looked<QuotaUse> }[]>;
  networkUse: Looked<QuotaUse>;
  addressUse: Looked<QuotaUse>;
  networks: Looked<readonly PresentNetwork[]>;
  /** Who holds the lock of Terraform's state, if anyone. */
  state: Looked<{ lockedBy?: string }>;
}

/** Whether a rebuild would work now, one check for each thing that could stop it. */
export function recoveryChecks(looks: RecoveryLooks, needs: Needs): StatusCheck[] {
  return [
    planCheck(looks.planned),
    ...(looks.pinned === undefined ? [] : pinnedChecks(looks.pinned)),
    permissionCheck(looks.denied),
    instanceTypeCheck(looks.offered, needs),
    ...(needs.databases.length === 0 ? [] : [databaseClassCheck(looks.orderable, needs)]),
    ...vcpuChecks(looks.vcpus),
    quotaCheck(networksQuota, 1, looks.networkUse),
    quotaCheck(addressesQuota, 1, looks.addressUse),
    addressRangeCheck(looks.networks, needs),
    stateCheck(looks.state),
  ];
}

function planCheck(looked: Looked<Planned>): StatusCheck {
  return judged("plan", looked, (planned) =>
    planned.kind === "planned"
      ? passed("plan", planned.plan.reasons.join("; "))
      : failed(
          "plan",
          planned.reasons.slice(0, 3).join("; "),
          "mend what it names; the whole list: rekindle plan",
        ),
  );
}

function pinnedChecks(pinned: NonNullable<RecoveryLooks["pinned"]>): StatusCheck[] {
  const { pins } = pinned;
  const images = Object.values(pins.roles).map(({ imageId }) => imageId);
  const snapshots = snapshotsOf(Object.values(pins.volumes).flat());
  const databases = snapshotsOf(Object.values(pins.databases));
  return [
    partsCheck("images", images, "available", pinned.images, "bake them again: rekindle bake"),
    ...(snapshots.length === 0
      ? []
      : [partsCheck("snapshots", snapshots, "completed", pinned.snapshots, anotherPoint)]),
    ...(databases.length === 0
      ? []
      : [partsCheck("database snapshots", databases, "available", pinned.databaseSnapshots, anotherPoint)]),
    keyCheck(pinned.keys),
    dryRunCheck(pinned.dryRuns),
  ];
}

const anotherPoint = "take another point: rekindle snapshot";

function partsCheck(
  name: string,
  wanted: readonly string[],
  ready: string,
  looked: Looked<Parts>,
  move: string,
): StatusCheck {
  return judged(name, looked, (parts) => {
    const ids = [...new Set(wanted)];
    const faulty = ids.filter((id) => parts.get(id)?.state !== ready);
    if (faulty.length === 0) return passed(name, `all ${ids.length} are ${ready}`);
    const told = faulty.slice(0, 5).map((id) => `${id} is ${parts.get(id)?.state ?? "gone"}`);
    return failed(name, `${faulty.length} of ${ids.length} are not ${ready}: ${told.join(", ")}`, move);
  });
}

function keyCheck(looked: Looked<ReadonlyMap<string, string | undefined>>): StatusCheck {
  return judged("keys", looked, (keys) => {
    const unusable = [...keys].filter(([, reason]) => reason !== undefined);
    if (unusable.length === 0) return passed("keys", `all ${keys.size} can be used`);
    const told = unusable.map(([key, reason]) => `${key}: ${reason}`);
    return failed("keys", told.join("; "), "enable the key, cancel its deletion, or allow its use");
  });
}

function dryRunCheck(looked: Looked<readonly DryRun[]>): StatusCheck {
  const name = "permissions by dry run";
  return judged(name, looked, (runs) => {
    const told = (answer: DryRun["answer"]) =>
      runs.filter((run) => run.answer === answer).map(({ call, said }) => (said ? `${call}: ${said}` : call));
    const refused = told("refused");
    if (refused.length > 0)
      return failed(name, refused.join("; "), "give the caller these rights, or mend what is named");
    const undecided = told("undecided");
    if (undecided.length > 0) return { name, outcome: "could-not-look", found: undecided.join("; ") };
    return passed(name, `${told("allowed").join(", ")} would be allowed`);
  });
}

function permissionCheck(looked: Looked<readonly string[]>): StatusCheck {
  const name = "permissions by IAM";
  return judged(name, looked, (denied) =>
    denied.length === 0
      ? passed(name, "all that a rebuild calls is allowed")
      : failed(name, `denied: ${denied.join(", ")}`, "give the caller these rights"),
  );
}

function instanceTypeCheck(looked: Looked<ReadonlySet<string>>, { placements }: Needs): StatusCheck {
  const name = "instance types";
  return judged(name, looked, (offered) => {
    const missing = placements.filter(({ instanceType, zone }) => !offered.has(`${zone} ${instanceType}`));
    if (missing.length === 0) return passed(name, `all ${placements.length} are offered in their zones`);
    const told = missing.map(({ instanceType, zone }) => `${instanceType} in ${zone}`);
    return failed(
      name,
      `not offered: ${told.join(", ")}`,
      "choose another type, or other zones for network.recovery",
    );
  });
}

function databaseClassCheck(looked: Looked<ReadonlySet<string>>, { databases }: Needs): StatusCheck {
  const name = "database classes";
  return judged(name, looked, (orderable) => {
    const missing = databases.filter((database) => !orderable.has(database.name));
    if (missing.length === 0) return passed(name, `all ${databases.length} are offered`);
    const told = missing.map(
      ({ engine, engineVersion, instanceClass }) => `${instanceClass} of ${engine} ${engineVersion}`,
    );
    return failed(name, `not offered: ${told.join(", ")}`, "choose another instanceClass or engineVersion");
  });
}

function vcpuChecks(looked: RecoveryLooks["vcpus"]): StatusCheck[] {
  return looked.kind === "seen"
    ? looked.value.map(({ quota, needed, use }) => quotaCheck(quota, needed, use))
    : [judged("quota of vCPUs", looked, () => passed("quota of vCPUs", ""))];
}

/** One's own network is no obstacle: a rebuild that is there already is only changed. */
function addressRangeCheck(looked: Looked<readonly PresentNetwork[]>, { cidr, block }: Needs): StatusCheck {
  const name = "address range";
  return judged(name, looked, (networks) => {
    const taken = networks.filter(
      ({ isOwn, cidrs }) => !isOwn && cidrs.some((other) => overlapsText(block, other)),
    );
    if (taken.length === 0) return passed(name, `${cidr} is free`);
    const told = taken.map(({ id, cidrs }) => `${id} (${cidrs.join(", ")})`);
    return failed(name, `${cidr} overlaps ${told.join(", ")}`, "choose another network.recovery.cidr");
  });
}

function overlapsText(block: Block, text: string): boolean {
  const other = parseCidr(text);
  return typeof other !== "string" && overlaps(block, other);
}

function stateCheck(looked: RecoveryLooks["state"]): StatusCheck {
  return judged("state", looked, ({ lockedBy }) =>
    lockedBy === undefined
      ? passed("state", "readable, and nobody holds its lock")
      : failed(
          "state",
          `locked by ${lockedBy}`,
          "wait for that Terraform to end; when it is gone: terraform force-unlock",
        ),
  );
}
