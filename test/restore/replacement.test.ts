import { describe, expect, it } from "vitest";
import type { LiveVolume } from "../../bootstrap/restore/live-volume.ts";
import {
  describeReplacement,
  interruptedReplacement,
  newerData,
  planReplacement,
  type Replacement,
} from "../../bootstrap/restore/replacement.ts";
import { aPoint, aTopology, primary } from "../builders.ts";
import { aServer, aVolume, someData } from "./builders.ts";

const second = (changes: Partial<LiveVolume> = {}) =>
  aVolume({
    id: "vol-1",
    tags: { "rekindle:volume": "data-1" },
    attachment: { instance: "i-1", device: "/dev/xvdg", state: "attached" },
    ...changes,
  });

const plan = (live: LiveVolume[], changes: object = {}) =>
  planReplacement({
    server: aServer,
    role: aTopology().roles.db!,
    region: primary,
    point: aPoint(),
    live,
    data: someData(),
    ...changes,
  });

function planned(live: LiveVolume[] = [aVolume(), second()], changes: object = {}): Replacement {
  const made = plan(live, changes);
  if (made.kind === "refused") throw new Error(made.reasons.join("; "));
  return made.plan;
}

describe("replacing a server's volumes", () => {
  it("makes each like the one that is there, from the point's snapshot in the server's region", () => {
    expect(planned().volumes).toEqual([
      {
        name: "data-0",
        device: "/dev/sdf",
        present: "vol-0",
        snapshot: "snap-p-data-0",
        shape: {
          zone: "eu-west-1a",
          sizeGiB: 10,
          type: "gp3",
          iops: 4000,
          throughputMiBps: 250,
          keyArn: "arn:aws:kms:eu-west-1:123456789012:key/k",
        },
        tags: {
          Name: "shop-db-0-data-0",
          "rekindle:environment": "shop",
          "rekindle:server": "db-0",
          "rekindle:role": "db",
          "rekindle:volume": "data-0",
          "rekindle:point": aPoint().id,
          "rekindle:replaces": "vol-0 /dev/sdf",
        },
      },
      // By whichever of its two names the volume is attached.
      expect.objectContaining({ name: "data-1", present: "vol-1", device: "/dev/xvdg" }),
    ]);
  });

  it("makes none smaller than what is in the snapshot, and keeps one that has grown since", () => {
    expect(
      planned([aVolume({ sizeGiB: 5 }), second({ sizeGiB: 64 })]).volumes.map(({ shape }) => shape.sizeGiB),
    ).toEqual([10, 64]);
  });

  it("leaves out tags that are AWS's own, and those of an earlier restore", () => {
    const tags = {
      "aws:backup:source": "x",
      "rekindle:replaces": "vol-9 /dev/sdf",
      "rekindle:point": "p",
      team: "a",
    };
    expect(planned([aVolume({ tags }), second()]).volumes[0]!.tags).toEqual({
      team: "a",
      "rekindle:environment": "shop",
      "rekindle:server": "db-0",
      "rekindle:role": "db",
      "rekindle:volume": "data-0",
      "rekindle:point": aPoint().id,
      "rekindle:replaces": "vol-0 /dev/sdf",
    });
  });

  it.each<[string, LiveVolume[], string]>([
    ["a volume is not attached", [aVolume()], "volume data-1 is not attached to i-1 at /dev/sdg"],
    [
      "a volume of it is attached to another server",
      [aVolume(), second({ attachment: { instance: "i-2", device: "/dev/sdg", state: "attached" } })],
      "volume data-1 is not attached to i-1 at /dev/sdg",
    ],
    [
      "an old state lies beside it",
      [aVolume(), second(), aVolume({ id: "vol-b", tags: { "rekindle:beside": "point-1" } })],
      "take it away first: rekindle restore volume db-0 --beside --detach",
    ],
  ])("is refused when %s", (_when, live, reason) => {
    const refused = plan(live);
    expect(refused.kind === "refused" && refused.reasons.join("\n")).toContain(reason);
  });
});

describe("data that is newer than the point", () => {
  it("is told with how much it is", () => {
    expect(newerData(planned())).toBe(
      "db-0 holds data that is newer than point-20261124t100000000z: 12 files changed since 2026-11-24T10:00:00.000Z, " +
        "the last one 5 h 12 min later (/var/lib/postgresql/15/main/pg_wal/1 at 2026-11-24T15:11:59.000Z)",
    );
  });

  it("is never ruled out by what could not be looked at", () => {
    const data = someData({ newer: { kind: "unknown", reason: "nothing is mounted at /x" } });
    expect(newerData(planned(undefined, { data }))).toContain(
      "nobody knows whether db-0 holds data that is newer",
    );
  });

  it("is not there when nothing was changed since", () => {
    expect(newerData(planned(undefined, { data: someData({ newer: { kind: "none" } }) }))).toBeUndefined();
  });
});

it("a plan says in order what would be done", () => {
  expect(describeReplacement(planned())).toEqual([
    "the data of db-0 (role db, i-1 in eu-west-1) goes back to point-20261124t100000000z: taken at 2026-11-24T10:00:00.000Z, 5 h 12 min ago, crash consistent",
    expect.stringMatching(/^ {2}db-0 holds data that is newer/),
    "  in use by process 7 of shop-db.service: postgres",
    "  1. make a volume data-0 of 10 GiB (gp3) from snap-p-data-0 in eu-west-1a",
    "  2. make a volume data-1 of 10 GiB (gp3) from snap-p-data-1 in eu-west-1a",
    "  3. stop shop-db.service, and what else holds /var/lib/postgresql; unmount it",
    "  4. snapshot the present volumes at one instant",
    "  5. detach vol-0 from i-1, and attach the new one at /dev/sdf",
    "  6. detach vol-1 from i-1, and attach the new one at /dev/xvdg",
    "  7. mount them at /var/lib/postgresql, start shop-db.service, and ask the health check",
    "  the present volumes stay, detached: vol-0, vol-1",
  ]);
});

describe("a restore that was cut short", () => {
  const made = (changes: Partial<LiveVolume> = {}): LiveVolume => {
    const { attachment: _attachment, ...free } = aVolume();
    return {
      ...free,
      id: "vol-n",
      state: "available",
      tags: { "rekindle:replaces": "vol-0 /dev/sdf" },
      ...changes,
    };
  };
  const exchanges = [{ made: "vol-n", present: "vol-0", device: "/dev/sdf" }];

  it("is known by a volume whose predecessor was not given up", () => {
    expect(interruptedReplacement([aVolume(), made()], "i-1")).toEqual({ exchanges, isComplete: false });
  });

  it("may have been written to when all of its volumes are attached", () => {
    const { attachment, ...present } = aVolume();
    const attached = made({ attachment: attachment! });
    expect(interruptedReplacement([present, attached], "i-1")).toEqual({ exchanges, isComplete: true });
  });

  it.each<[string, LiveVolume[]]>([
    ["there was none", [aVolume()]],
    ["its predecessor was given up", [aVolume({ tags: { "rekindle:replaced": "2026" } }), made()]],
    ["its predecessor was deleted since", [made()]],
    [
      "it was given up itself",
      [aVolume(), made({ tags: { "rekindle:replaces": "vol-0 /dev/sdf", "rekindle:replaced": "2026" } })],
    ],
  ])("is not when %s", (_when, live) => {
    expect(interruptedReplacement(live, "i-1")).toBeUndefined();
  });
});
