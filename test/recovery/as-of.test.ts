import { describe, expect, it } from "vitest";
import type { Wish } from "../../bootstrap/recovery/choose.ts";
import type { RecoveryPoint } from "../../bootstrap/recovery/point.ts";
import { type PlanRequest, resolvePlan } from "../../bootstrap/recovery/resolve.ts";
import type { Restorable } from "../../bootstrap/recovery/restorable.ts";
import { aCatalog, aDatabase, aDatabaseSet, aManifest, aPoint, aTopology, recovery } from "../builders.ts";

const now = "2026-11-24T12:00:00.000Z";
const arn = `arn:aws:rds:${recovery}:123456789012:auto-backup:ab-1`;
const backup: Restorable = {
  database: "ledger",
  source: { kind: "replicated", arn },
  from: "2026-11-24T09:30:00.000Z",
  until: "2026-11-24T11:55:03.400Z",
};
/** Volumes of 10:00:00, and a snapshot of the database a minute later. */
const point = aPoint({
  takenAt: "2026-11-24T10:01:00.000Z",
  sets: [...aPoint().sets, aDatabaseSet("2026-11-24T10:01:00.000Z")],
});
const earlier = aPoint({
  takenAt: "2026-11-24T08:00:00.000Z",
  sets: [...aPoint({ takenAt: "2026-11-24T08:00:00.000Z" }).sets, aDatabaseSet("2026-11-24T08:00:00.000Z")],
});

interface Case {
  wish?: Wish;
  restorable?: readonly Restorable[];
  points?: readonly RecoveryPoint[];
  maxSkew?: string;
  roles?: Record<string, unknown>;
  more?: Partial<PlanRequest>;
}

function resolve({
  wish = { kind: "newest" },
  restorable = [backup],
  points = [point, earlier],
  ...given
}: Case) {
  const { maxSkew, roles, more } = given;
  const topology = aTopology({
    databases: { ledger: aDatabase({ replicateBackups: true }) },
    objectives: { rpo: "1h", rto: "15m", ...(maxSkew === undefined ? {} : { maxSkew }) },
    ...(roles === undefined ? {} : { roles }),
  });
  const contents = aCatalog({ points });
  return resolvePlan({ topology, region: recovery, wish, now, contents, restorable, ...more });
}

function planned(given: Case) {
  const result = resolve(given);
  if (result.kind === "refused") throw new Error(result.reasons.join("\n"));
  return result.plan;
}

function refusal(given: Case): string {
  const result = resolve(given);
  return result.kind === "refused" ? result.reasons.join("\n") : "planned";
}

const asOf = (moment: string): Wish => ({ kind: "as-of", moment });
const withoutVolumes = { web: { count: 1, instanceType: "t3.small" } };

describe("a database whose backups are restorable to the second", () => {
  it.each<[string, Case, string, object, string]>([
    [
      "goes to the latest restorable second when the newest is wanted",
      {},
      "2026-11-24T11:55:03Z",
      { kind: "point-in-time", source: backup.source, restoreTime: "2026-11-24T11:55:03Z" },
      `ledger: to 2026-11-24T11:55:03Z from automated backup ${arn}, which reaches from ${backup.from} until ${backup.until}`,
    ],
    [
      "goes to the exact second that is wanted",
      { wish: asOf("2026-11-24T11:12:13.999Z") },
      "2026-11-24T11:12:13Z",
      { kind: "point-in-time", source: backup.source, restoreTime: "2026-11-24T11:12:13Z" },
      "ledger: to 2026-11-24T11:12:13Z",
    ],
    [
      "goes to the latest restorable second when a later one is wanted",
      { wish: asOf("2026-11-24T11:59:00.000Z") },
      "2026-11-24T11:55:03Z",
      { kind: "point-in-time", source: backup.source, restoreTime: "2026-11-24T11:55:03Z" },
      "ledger: to 2026-11-24T11:55:03Z",
    ],
    [
      "comes from its snapshot before the backup begins",
      { wish: asOf("2026-11-24T09:00:00.000Z") },
      "2026-11-24T08:00:00.000Z",
      { kind: "snapshot", snapshotId: "ledger-r" },
      `ledger: from its snapshot, since no automated backup in ${recovery} reaches that moment`,
    ],
    [
      "comes from a snapshot that is newer than what a stopped replication has left",
      { restorable: [{ ...backup, until: "2026-11-24T09:45:00.000Z" }] },
      "2026-11-24T10:01:00.000Z",
      { kind: "snapshot", snapshotId: "ledger-r" },
      `ledger: from its snapshot, which is newer than automated backup ${arn}`,
    ],
    [
      "comes from the snapshot of a point that was asked for",
      { wish: { kind: "point", id: point.id } },
      "2026-11-24T10:01:00.000Z",
      { kind: "snapshot", snapshotId: "ledger-r" },
      `point ${point.id}: it was asked for`,
    ],
    [
      "comes from its snapshot when nothing was replicated",
      { restorable: [] },
      "2026-11-24T10:01:00.000Z",
      { kind: "snapshot", snapshotId: "ledger-r" },
      `ledger: from its snapshot, since no automated backup in ${recovery} reaches that moment`,
    ],
  ])("%s", (_, given, takenAt, pin, reason) => {
    const { dataSets, pins, reasons } = planned(given);
    expect(dataSets.find(({ name }) => name === "ledger")?.takenAt).toBe(takenAt);
    expect(pins.databases.ledger).toEqual(pin);
    expect(reasons.join("\n")).toContain(reason);
  });

  it("takes the one of two backups that comes nearest", () => {
    const retained = {
      ...backup,
      source: { kind: "replicated" as const, arn: "arn:old" },
      until: "2026-11-24T10:30:00.000Z",
    };
    for (const restorable of [
      [backup, retained],
      [retained, backup],
    ])
      expect(planned({ restorable }).pins.databases.ledger).toMatchObject({ source: backup.source });
    expect(
      planned({
        restorable: [{ ...backup, from: backup.until }, retained],
        wish: asOf("2026-11-24T10:20:00.000Z"),
      }),
    ).toMatchObject({ pins: { databases: { ledger: { source: { arn: "arn:old" } } } } });
  });

  it("needs no snapshot of a point, and no point without other data", () => {
    const without = aPoint({ takenAt: "2026-11-24T11:00:00.000Z" });
    expect(planned({ points: [without, point] })).toMatchObject({ point: without.id, consistency: "crash" });
    const alone = planned({ points: [], roles: withoutVolumes });
    expect(alone.point).toBeUndefined();
    expect(alone).toMatchObject({ consistency: "crash", dataSets: [{ name: "ledger" }] });
    // A point that gives nothing is not what the plan is from.
    expect(planned({ roles: withoutVolumes, points: [aPoint({ sets: [] })] }).point).toBeUndefined();
  });
});

describe("the release of a past moment", () => {
  const old = aManifest({ release: "bbbbbbbbbbbb-222222222222", commit: "b".repeat(40) });
  const contents = aCatalog({ points: [] });
  const pin = { bucket: "b", key: "k", versionId: "v0", sha256: "2".repeat(64) };
  const withOld = {
    ...contents,
    manifests: { ...contents.manifests, [old.release]: { manifest: old, pin } },
  };
  const wish = asOf("2026-11-24T11:00:00.000Z");

  it("is the one that was live then, when all data is of that second", () => {
    const { pins, reasons } = planned({
      wish,
      roles: withoutVolumes,
      more: { contents: withOld, liveThen: old.release },
    });
    expect(pins.release.release).toBe(old.release);
    expect(reasons).toContain(
      `release ${old.release}: it was live at ${wish.kind === "as-of" && wish.moment}`,
    );
  });

  it("is the point's own, when a point gives data", () => {
    const { pins } = planned({ wish, more: { liveThen: old.release } });
    expect(pins.release.release).toBe(point.release.release);
  });

  it("is not made up when neither history nor point knows it", () => {
    expect(refusal({ wish, roles: withoutVolumes, points: [] })).toContain("there is no recovery point");
  });
});

describe("the skew between data sets", () => {
  it("is in the plan, with the sets that lie farthest apart", () => {
    expect(planned({ wish: asOf("2026-11-24T10:31:00.000Z") })).toMatchObject({
      skew: {
        seconds: 1860,
        oldest: { name: "db-0", takenAt: "2026-11-24T10:00:00.000Z" },
        newest: { name: "ledger", takenAt: "2026-11-24T10:31:00Z" },
      },
      dataSets: [
        { name: "db-0", rpoSeconds: 1860 },
        { name: "ledger", rpoSeconds: 0 },
      ],
    });
  });

  it("is none of one set alone", () => {
    expect(planned({ roles: withoutVolumes, points: [] }).skew).toBeUndefined();
  });

  it.each([
    ["1860s", "planned"],
    [
      "1859s",
      "db-0 of 2026-11-24T10:00:00.000Z and ledger of 2026-11-24T10:31:00Z, and objectives.maxSkew is 1859s",
    ],
  ])("of 1860 s with a limit of %s", (maxSkew, expected) => {
    expect(refusal({ wish: asOf("2026-11-24T10:31:00.000Z"), maxSkew, points: [point] })).toContain(expected);
  });

  it("passes over a point whose own sets lie too far apart, for one whose sets don't", () => {
    const { point: chosen, passedOver } = planned({ restorable: [], maxSkew: "30s" });
    expect(chosen).toBe(earlier.id);
    expect(passedOver[0]?.reasons.join()).toContain("its data would lie 60 s apart");
  });

  it("is smallest at the moment that its refusal names", () => {
    const said = refusal({ maxSkew: "2m", points: [point] });
    const [, moment] = /rekindle plan --as-of (\S+)$/m.exec(said) ?? [];
    expect(planned({ maxSkew: "2m", points: [point], wish: asOf(moment!) }).skew?.seconds).toBe(60);
  });

  it("counts between databases alone too", () => {
    const topology = aTopology({
      databases: {
        ledger: aDatabase({ replicateBackups: true }),
        audit: aDatabase({ replicateBackups: true }),
      },
      objectives: { rpo: "1h", rto: "15m", maxSkew: "1m" },
      roles: withoutVolumes,
    });
    const audit = { ...backup, database: "audit", until: "2026-11-24T11:00:00.000Z" };
    const contents = aCatalog({ points: [] });
    const request = { topology, region: recovery, now, contents, restorable: [backup, audit] };
    expect(resolvePlan({ ...request, wish: { kind: "newest" } })).toEqual({
      kind: "refused",
      reasons: [expect.stringContaining("audit of 2026-11-24T11:00:00Z and ledger of 2026-11-24T11:55:03Z")],
    });
    const moment = asOf("2026-11-24T11:00:00.000Z");
    expect(resolvePlan({ ...request, wish: moment, liveThen: aManifest().release })).toMatchObject({
      plan: { skew: { seconds: 0 } },
    });
  });
});
