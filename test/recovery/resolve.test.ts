import { describe, expect, it } from "vitest";
import { takenIdentity } from "../../bootstrap/image/image.ts";
import type { Wish } from "../../bootstrap/recovery/choose.ts";
import { type CatalogContents, resolvePlan, resolvePrimary } from "../../bootstrap/recovery/resolve.ts";
import { aCatalog, aManifest, anImage, aPoint, aTopology, primary, recovery } from "../builders.ts";

const now = "2026-11-24T12:00:00.000Z";

function plan(contents: CatalogContents, wish: Wish = { kind: "newest" }, region = recovery) {
  return resolvePlan({ topology: aTopology(), region, wish, now, contents, restorable: [] });
}

function planned(...args: Parameters<typeof plan>) {
  const result = plan(...args);
  if (result.kind === "refused") throw new Error(result.reasons.join("\n"));
  return result.plan;
}

function refusal(...args: Parameters<typeof plan>) {
  const result = plan(...args);
  return result.kind === "refused" ? result.reasons.join("\n") : "planned";
}

describe("a recovery plan", () => {
  it("pins release, images and snapshots of its own region", () => {
    const { pins, point } = planned(aCatalog());
    expect(point).toBe(aPoint().id);
    expect(pins).toMatchObject({
      site: "recovery",
      region: recovery,
      release: { release: aManifest().release },
      roles: { web: { imageId: "ami-r-web" }, db: { imageId: "ami-r-db" } },
      volumes: {
        "db-0": [
          { name: "data-0", snapshotId: "snap-r-data-0" },
          { name: "data-1", snapshotId: "snap-r-data-1" },
        ],
      },
    });
  });

  it("takes a point that is complete in its region, whatever its copies elsewhere lack", () => {
    const places = { [primary]: "complete" as const, [recovery]: ["no room"] };
    const contents = aCatalog({ points: [aPoint({ status: "incomplete", places })] });
    expect(planned(contents, { kind: "newest" }, primary).point).toBe(aPoint().id);
    expect(refusal(contents)).toContain(": incomplete; no room");
  });

  it("starts servers of a role that names a taken image from it", () => {
    const db = { ...aTopology().roles.db!, image: { taken: "pet" } };
    const manifest = aManifest();
    manifest.roles.db!.recipe = takenIdentity("pet");
    const { pin } = Object.values(aCatalog().manifests)[0]!;
    const manifests = { [manifest.release]: { manifest, pin } };
    const resolve = (images: CatalogContents["images"]) =>
      resolvePlan({
        topology: aTopology({}, { db }),
        region: recovery,
        wish: { kind: "newest" },
        now,
        contents: aCatalog({ manifests, images }),
        restorable: [],
      });
    const taken = { ...anImage("db"), recipe: takenIdentity("pet") };
    expect(resolve([anImage("web"), taken])).toMatchObject({
      kind: "planned",
      plan: { pins: { roles: { db: { imageId: "ami-r-db" } } } },
    });
    const reasons = (images: CatalogContents["images"]) => {
      const resolved = resolve(images);
      return resolved.kind === "refused" ? resolved.reasons : [];
    };
    const take = "take it: rekindle image <server> --name pet";
    expect(reasons([anImage("web")])).toEqual([
      `release ${manifest.release} needs image pet for role db, which was not taken; ${take}`,
    ]);
    expect(reasons([anImage("web"), { ...taken, images: {} }])).toEqual([
      `release ${manifest.release} needs image pet for role db, which has no copy in ${recovery}; ${take}`,
    ]);
  });

  it("makes a volume that had grown as large as it was", () => {
    const [set] = aPoint().sets;
    if (set?.kind !== "volumes") throw new Error("the point has no volumes");
    const [first, second] = set.volumes;
    const sets = [
      {
        ...set,
        volumes: [
          { ...first!, sizeGiB: 50 },
          { ...second!, sizeGiB: 5 },
        ],
      },
    ];
    expect(planned(aCatalog({ points: [aPoint({ sets })] })).pins.volumes["db-0"]).toEqual([
      { name: "data-0", snapshotId: "snap-r-data-0", sizeGiB: 50 },
      { name: "data-1", snapshotId: "snap-r-data-1" },
    ]);
  });

  it("tells the age of every data set", () => {
    expect(planned(aCatalog()).dataSets).toEqual([
      { name: "db-0", takenAt: "2026-11-24T10:00:00.000Z", rpoSeconds: 7200 },
    ]);
  });

  it("passes over newer points that are not complete, and says why of each", () => {
    const newer = aPoint({
      takenAt: "2026-11-24T11:00:00.000Z",
      status: "incomplete",
      faults: ["db-0: copy failed"],
    });
    const newest = aPoint({ takenAt: "2026-11-24T11:30:00.000Z", status: "pending" });
    const chosen = planned(aCatalog({ points: [newer, aPoint(), newest] }));
    expect(chosen.point).toBe(aPoint().id);
    expect(chosen.passedOver.map(({ point, reasons }) => [point, reasons.join("; ")])).toEqual([
      [newest.id, "pending: its snapshot command has not finished"],
      [newer.id, "incomplete; db-0: copy failed"],
    ]);
  });

  it("passes over a complete point that lacks a volume the environment has now", () => {
    const [set] = aPoint().sets;
    const lacking = aPoint({
      takenAt: "2026-11-24T11:00:00.000Z",
      sets: [
        {
          ...set!,
          kind: "volumes",
          server: "db-0",
          role: "db",
          volumes: [{ name: "data-0", sizeGiB: 10, snapshots: { [recovery]: "snap-1" } }],
        },
      ],
    });
    const chosen = planned(aCatalog({ points: [aPoint(), lacking] }));
    expect(chosen.passedOver[0]?.reasons).toEqual(["has no snapshot of db-0's volume data-1"]);
  });

  it("takes the newest point of a past moment, with the release that was live then", () => {
    const old = aManifest({ release: "bbbbbbbbbbbb-222222222222", commit: "b".repeat(40) });
    const catalog = aCatalog();
    const contents = aCatalog({
      manifests: {
        ...catalog.manifests,
        [old.release]: {
          manifest: old,
          pin: { bucket: "b", key: "k", versionId: "v0", sha256: "2".repeat(64) },
        },
      },
      points: [
        aPoint(),
        aPoint({
          takenAt: "2026-11-23T10:00:00.000Z",
          release: { release: old.release, commit: old.commit },
        }),
      ],
    });
    const chosen = planned(contents, { kind: "as-of", moment: "2026-11-23T12:00:00.000Z" });
    expect(chosen.pins.release.release).toBe(old.release);
    expect(chosen.dataSets[0]?.rpoSeconds).toBe(7200);
    expect(chosen.passedOver[0]?.reasons).toEqual([
      "taken at 2026-11-24T10:00:00.000Z, after 2026-11-23T12:00:00.000Z",
    ]);
  });

  it("takes the point of exactly the moment, and a millisecond earlier the one before", () => {
    const before = aPoint({ takenAt: "2026-11-24T09:00:00.000Z" });
    const contents = aCatalog({ points: [before, aPoint()] });
    const { takenAt } = aPoint();
    expect(planned(contents, { kind: "as-of", moment: takenAt }).point).toBe(aPoint().id);
    const justBefore = new Date(Date.parse(takenAt) - 1).toISOString();
    expect(planned(contents, { kind: "as-of", moment: justBefore }).point).toBe(before.id);
  });

  it("counts the age of its data from now when the moment is still to come", () => {
    const chosen = planned(aCatalog(), { kind: "as-of", moment: "2030-01-01T00:00:00.000Z" });
    expect(chosen.dataSets[0]?.rpoSeconds).toBe(7200);
  });

  it("falls back to the point's release when the current one has no images", () => {
    const unbaked = aManifest({ release: "cccccccccccc-333333333333" });
    unbaked.roles = { ...unbaked.roles, db: { ...unbaked.roles.db!, recipe: "recipe-new" } };
    const catalog = aCatalog();
    const chosen = planned(
      aCatalog({
        pointer: { ...catalog.pointer!, release: unbaked.release },
        manifests: {
          ...catalog.manifests,
          [unbaked.release]: { manifest: unbaked, pin: catalog.pointer!.sites[recovery]!.manifest },
        },
      }),
    );
    expect(chosen.pins.release.release).toBe(aManifest().release);
    expect(chosen.reasons.join("\n")).toContain(
      "needs an image of recipe recipe-new for role db, and none was baked",
    );
  });

  it.each([
    [
      "there is no point",
      aCatalog({ points: [] }),
      { kind: "newest" } as Wish,
      "there is no recovery point in eu-central-1",
    ],
    [
      "none is complete",
      aCatalog({ points: [aPoint({ status: "pending" })] }),
      { kind: "newest" } as Wish,
      "no point is complete",
    ],
    [
      "none is old enough",
      aCatalog(),
      { kind: "as-of", moment: "2026-01-01T00:00:00.000Z" } as Wish,
      "no complete point is as old as 2026-01-01T00:00:00.000Z in eu-central-1",
    ],
    [
      "the named one is unknown",
      aCatalog(),
      { kind: "point", id: "point-x" } as Wish,
      'there is no point "point-x" in eu-central-1',
    ],
    [
      "the named one is incomplete",
      aCatalog({ points: [aPoint({ status: "incomplete", faults: ["db-0: copy failed"] })] }),
      { kind: "point", id: aPoint().id } as Wish,
      `point ${aPoint().id} can't be used`,
    ],
    [
      "nothing is published",
      aCatalog({ pointer: undefined }),
      { kind: "newest" } as Wish,
      "no release of shop is published",
    ],
    [
      "an image has no copy",
      aCatalog({ images: [anImage("web"), anImage("db", { images: { [primary]: "ami-1" } })] }),
      { kind: "newest" } as Wish,
      "it has no copy in eu-central-1",
    ],
  ])("is refused with reasons when %s", (_case, contents, wish, reason) => {
    expect(refusal(contents, wish)).toContain(reason);
  });

  it("needs no point for the newest state of an environment without data, and one for a past state", () => {
    const topology = aTopology({ roles: { web: { count: 1, instanceType: "t3.small" } } });
    const resolve = (wish: Wish) =>
      resolvePlan({
        topology,
        region: recovery,
        wish,
        now,
        contents: aCatalog({ points: [] }),
        restorable: [],
      });
    expect(resolve({ kind: "newest" }).kind).toBe("planned");
    expect(resolve({ kind: "as-of", moment: now })).toEqual({
      kind: "refused",
      reasons: ["there is no recovery point in eu-central-1; take one: rekindle snapshot"],
    });
  });
});

describe("the primary's pins", () => {
  it("are the current release with its images in the primary region, and empty volumes", () => {
    const resolved = resolvePrimary(aTopology(), aCatalog());
    expect(resolved).toMatchObject({
      kind: "pinned",
      pins: {
        site: "primary",
        region: primary,
        roles: { db: { imageId: "ami-p-db" } },
        volumes: { "db-0": [{ name: "data-0" }, { name: "data-1" }] },
      },
    });
  });
});
