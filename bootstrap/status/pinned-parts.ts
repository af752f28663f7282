import { type Pins, snapshotsOf } from "../recovery/pins.ts";

/** The ids of everything that a plan restores from, each once. */
export interface PinnedParts {
  images: string[];
  snapshots: string[];
  databaseSnapshots: string[];
}

export function pinnedParts({ roles, volumes, databases }: Pins): PinnedParts {
  return {
    images: [...new Set(Object.values(roles).map(({ imageId }) => imageId))],
    snapshots: snapshotsOf(Object.values(volumes).flat()),
    databaseSnapshots: snapshotsOf(Object.values(databases)),
  };
}
