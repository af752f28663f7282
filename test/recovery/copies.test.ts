import { describe, expect, it } from "vitest";
import { furtherPlaces, type Place, primaryPlace, recoveryPlace } from "../../bootstrap/config/places.ts";
import {
  asSeenFrom,
  copiedParts,
  lacksOf,
  outcomeOf,
  settle,
  sourcesFor,
  unfinished,
} from "../../bootstrap/recovery/copies.ts";
import { isCompleteIn, type RecoveryPoint } from "../../bootstrap/recovery/point.ts";
import { account, aPoint, aTopology, primary, recovery } from "../builders.ts";

const further = "eu-north-1";
const vaultId = "210987654321";
const vault = `${vaultId}/${recovery}`;

const { environment } = aTopology({
  copies: { regions: [further], account: { id: vaultId, role: "rekindle-vault" } },
});
const places = [primaryPlace(environment), recoveryPlace(environment), ...furtherPlaces(environment)];
const place = (name: string): Place => places.find((one) => one.name === name)!;

/** As it is when it was taken, with copies in the places that are named. */
function taken(...copied: string[]): RecoveryPoint {
  const point = aPoint({ status: "pending" });
  for (const { snapshots, name } of copiedParts(point)) {
    for (const region of Object.keys(snapshots)) delete snapshots[region];
    for (const where of [primary, ...copied]) snapshots[where] = `snap of ${name} in ${where}`;
  }
  return point;
}

const sources = (to: string, ...copied: string[]) =>
  sourcesFor(copiedParts(taken(...copied))[0]!, place(to), places).map(({ name }) => name);

describe("the places of an environment", () => {
  it("are its two regions, the further ones, and the vault in the recovery region", () => {
    expect(places.map(({ name, account }) => [name, account])).toEqual([
      [primary, account],
      [recovery, account],
      [further, account],
      [vault, vaultId],
    ]);
    expect(place(vault).role).toBe(`arn:aws:iam::${vaultId}:role/rekindle-vault`);
  });
});

describe("a part can be copied", () => {
  it("from the primary first, and from any other region of the account that has it", () => {
    expect(sources(recovery)).toEqual([primary]);
    expect(sources(further, recovery)).toEqual([primary, recovery]);
  });

  it("into the vault from its own region only, and never out of it", () => {
    expect(sources(vault)).toEqual([]);
    expect(sources(vault, recovery, further)).toEqual([recovery]);
    expect(sources(further, vault)).toEqual([primary]);
  });
});

describe("a point", () => {
  it("is complete where nothing lacks, whatever lacks elsewhere", () => {
    const point = taken();
    expect(isCompleteIn(point, recovery)).toBe(false);
    settle(point, primary, []);
    settle(point, recovery, []);
    settle(point, further, ["volume data-0 of db-0: there was no room"]);
    expect([primary, recovery, further].map((where) => isCompleteIn(point, where))).toEqual([
      true,
      true,
      false,
    ]);
    expect(outcomeOf(point, [primary, recovery])).toBe("complete");
    expect(outcomeOf(point, [primary, recovery, further])).toBe("incomplete");
    expect(lacksOf(point)).toEqual([`${further}: volume data-0 of db-0: there was no room`]);
  });

  it("of which something was missed when it was taken is complete nowhere", () => {
    const point = taken();
    point.faults.push("role db has 0 running servers of 1");
    settle(point, recovery, []);
    expect(isCompleteIn(point, recovery)).toBe(false);
    expect(outcomeOf(point, [recovery])).toBe("incomplete");
  });

  it("has in the vault's own catalog the vault's snapshots as those of its region", () => {
    const point = taken(recovery, vault);
    settle(point, vault, []);
    settle(point, further, ["nothing came"]);
    const seen = asSeenFrom(point, place(vault));
    expect(copiedParts(seen).map(({ snapshots }) => snapshots)).toEqual(
      ["data-0", "data-1"].map((name) => ({ [recovery]: `snap of volume ${name} of db-0 in ${vault}` })),
    );
    expect(seen).toMatchObject({ status: "complete", places: { [recovery]: "complete" } });
  });

  it("has in each region's catalog the status that it has there", () => {
    const point = taken(recovery);
    settle(point, recovery, []);
    settle(point, further, ["nothing came"]);
    expect(asSeenFrom(point, place(recovery)).status).toBe("complete");
    expect(asSeenFrom(point, place(further)).status).toBe("pending");
    point.status = "incomplete";
    expect(asSeenFrom(point, place(further)).status).toBe("incomplete");
  });
});

describe("points to finish", () => {
  const at = (minute: number, changes: Partial<RecoveryPoint>) =>
    aPoint({ takenAt: `2026-11-24T10:0${minute}:00.000Z`, ...changes });

  const names = [primary, recovery, further];
  const everywhere = { [primary]: "complete", [recovery]: "complete", [further]: "complete" } as const;

  it("are the newest down to the first that a rebuild can take, the newest first", () => {
    const points = [
      at(1, { status: "pending" }),
      at(2, { places: { ...everywhere, [further]: ["no room"] } }),
      at(3, { status: "incomplete", places: { ...everywhere, [recovery]: ["no room"] } }),
      at(4, { status: "pending" }),
    ];
    const ids = (known: RecoveryPoint[]) => unfinished(known, names, recovery).map(({ id }) => id);
    expect(ids(points)).toEqual([3, 2, 1].map((index) => points[index]!.id));
    expect(ids([...points, at(5, { places: everywhere })])).toEqual([]);
  });

  it("are complete ones too when the environment names a further region since", () => {
    const { [further]: _, ...places } = everywhere;
    expect(unfinished([at(1, { places })], names, recovery)).toHaveLength(1);
    expect(unfinished([at(1, { places })], [primary, recovery], recovery)).toEqual([]);
  });

  it("are not those of which something was missed, nor those that were never taken", () => {
    const missed = at(1, { status: "incomplete", faults: ["no freeze"] });
    const never = at(2, { status: "pending", sets: [] });
    const archived = at(3, { status: "incomplete", archived: { since: "2026-11-24T11:00:00.000Z" } });
    expect(unfinished([missed, never, archived], names, recovery)).toEqual([]);
  });
});
