import { resolvePlan } from "../../bootstrap/recovery/resolve.ts";
import { needsOf } from "../../bootstrap/status/needs.ts";
import type { Looked } from "../../bootstrap/status/outcome.ts";
import { quotaOf } from "../../bootstrap/status/quotas.ts";
import type { RecoveryLooks } from "../../bootstrap/status/recovery-checks.ts";
import { aCatalog, aTopology, recovery } from "../builders.ts";

export const now = "2026-11-24T10:30:00.000Z";

export function seen<T>(value: T): Looked<T> {
  return { kind: "seen", value };
}

export const unseen = { kind: "could-not-look", reason: "AWS did not answer" } as const;

export const needs = needsOf(aTopology(), recovery);

type Pinned = NonNullable<RecoveryLooks["pinned"]>;

/** Looks of which every one found what a rebuild of the shop needs; tests vary one. */
export function looks(changes: Partial<RecoveryLooks> = {}, pinned: Partial<Pinned> = {}): RecoveryLooks {
  const planned = resolvePlan({
    topology: aTopology(),
    region: recovery,
    wish: { kind: "newest" },
    now,
    contents: aCatalog(),
    restorable: [],
  });
  if (planned.kind === "refused") throw new Error(planned.reasons.join());
  const { pins } = planned.plan;
  return {
    planned: seen(planned),
    pinned: {
      pins,
      images: seen(
        new Map([
          ["ami-r-web", { state: "available" }],
          ["ami-r-db", { state: "available" }],
        ]),
      ),
      snapshots: seen(
        new Map([
          ["snap-r-data-0", { state: "completed", keyArn: pins.encryptionKey }],
          ["snap-r-data-1", { state: "completed", keyArn: pins.encryptionKey }],
        ]),
      ),
      databaseSnapshots: seen(new Map()),
      keys: seen(new Map([[pins.encryptionKey, undefined]])),
      dryRuns: seen([{ call: "CreateVolume", answer: "allowed" as const }]),
      ...pinned,
    },
    denied: seen([]),
    offered: seen(new Set(needs.placements.map(({ zone, instanceType }) => `${zone} ${instanceType}`))),
    orderable: seen(new Set<string>()),
    vcpus: seen([{ quota: quotaOf("t3.small"), needed: 6, use: seen({ limit: 32, used: 0 }) }]),
    networkUse: seen({ limit: 5, used: 1 }),
    addressUse: seen({ limit: 5, used: 0 }),
    networks: seen([{ id: "vpc-default", cidrs: ["172.31.0.0/16"], isOwn: false }]),
    state: seen({}),
    ...changes,
  };
}
