import { expect, it } from "vitest";
import { planBeside } from "../../bootstrap/restore/beside.ts";
import type { LiveVolume } from "../../bootstrap/restore/live-volume.ts";
import { aPoint, aTopology, primary } from "../builders.ts";
import { aServer, aVolume } from "./builders.ts";

const point = aPoint();
const plan = (live: LiveVolume[]) =>
  planBeside({ server: aServer, role: aTopology().roles.db!, region: primary, point, live });
const places = (live: LiveVolume[]) => {
  const planned = plan(live);
  return planned.kind === "refused"
    ? planned.reason
    : planned.plan.volumes.map(({ device, made }) => [device, made]);
};
const at = (device: string, id: string, tags = {}) =>
  aVolume({ id, tags, attachment: { instance: "i-1", device, state: "attached" } });

it("an old state is attached at device names that neither the role nor anything else has", () => {
  expect(places([at("/dev/sdf", "vol-0"), at("/dev/xvdh", "vol-x")])).toEqual([
    ["/dev/sdi", undefined],
    ["/dev/sdj", undefined],
  ]);
});

it("what an earlier run has made of the same point is used, where it is", () => {
  const there = at("/dev/sdk", "vol-b", { "rekindle:beside": point.id, "rekindle:volume": "data-1" });
  const other = at("/dev/sdl", "vol-o", {
    "rekindle:beside": "point-of-before",
    "rekindle:volume": "data-0",
  });
  expect(places([there, other])).toEqual([
    ["/dev/sdh", undefined],
    ["/dev/sdk", "vol-b"],
  ]);
});

it("a server without a device name left is refused", () => {
  const live = [..."hijklmnop"].map((letter) => at(`/dev/sd${letter}`, `vol-${letter}`));
  expect(places(live)).toBe("i-1 has no device name left for volume data-0");
});

it("says whose it is, and nothing that would make it the server's own volume", () => {
  const planned = plan([
    aVolume({ tags: { Name: "shop-db-0-data-0", "rekindle:environment": "shop", team: "a" } }),
  ]);
  expect(planned.kind === "planned" && planned.plan.volumes[0]!.tags).toEqual({
    Name: `db-0-data-0 of ${point.id}`,
    team: "a",
    "rekindle:environment": "shop",
    "rekindle:server": "db-0",
    "rekindle:role": "db",
    "rekindle:volume": "data-0",
    "rekindle:beside": point.id,
  });
});
