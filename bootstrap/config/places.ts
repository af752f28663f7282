import type { Environment } from "./schema.ts";

/** Where parts of recovery points and images lie: a region of the environment's account, or of another's, the vault. */
export interface Place {
  /** What a point's snapshots and an image's AMIs are listed by: the region, in a vault after its account. */
  name: string;
  account: string;
  region: string;
  /** The role through which a vault is reached. */
  role?: string;
}

export function primaryPlace({ account, regions }: Environment): Place {
  return ownPlace(account, regions.primary);
}

export function recoveryPlace({ account, regions }: Environment): Place {
  return ownPlace(account, regions.recovery);
}

/** The places that an environment names beside its two sites: more regions, and then the vault. */
export function furtherPlaces({ account, regions, copies }: Environment): Place[] {
  const further = (copies?.regions ?? []).map((region) => ownPlace(account, region));
  if (copies?.account === undefined) return further;
  const { id, role } = copies.account;
  const { recovery } = regions;
  // In the recovery region, whose copies it is copied from: no copy crosses accounts and regions at once.
  return [
    ...further,
    {
      name: `${id}/${recovery}`,
      account: id,
      region: recovery,
      role: `arn:aws:iam::${id}:role/${role}`,
    },
  ];
}

/** Whether a place, by its name, is another account's. */
export function isVault(place: string): boolean {
  return place.includes("/");
}

/** How many copies into one place run at a time. */
export function copiesAtOnce({ copies }: Environment): number {
  return copies?.atOnce ?? 5;
}

function ownPlace(account: string, region: string): Place {
  return { name: region, account, region };
}
