import type { Site } from "../config/schema.ts";
import type { ManifestPin, ReleaseReference, UserDataPart } from "../release/manifest.ts";
import type { DatabasePin } from "./database-pin.ts";

/** One data volume of one server: empty when it comes from no snapshot. */
export interface VolumePin {
  name: string;
  snapshotId?: string;
  /** Only of one that had grown beyond what the code says: AWS makes no volume that is smaller than its snapshot. */
  sizeGiB?: number;
}

/**
 * Everything that one deployment of an environment must not look up by itself.
 * Primary and recovery are the same construct with two of these.
 */
export interface Pins {
  site: Site;
  region: string;
  account: string;
  release: ReleaseReference;
  manifest: ManifestPin;
  /** ARN of the region's key; volumes and databases are encrypted with it. */
  encryptionKey: string;
  roles: Record<string, { imageId: string; recipe: string; userData: UserDataPart[] }>;
  /** Server name → its data volumes, for servers of stateful roles. */
  volumes: Record<string, VolumePin[]>;
  databases: Record<string, DatabasePin>;
  /**
   * Where automated backups are replicated to, and that region's key. Only of the primary: on the day a rebuild asks
   * nothing of another region.
   */
  backupsTo?: { region: string; encryptionKey: string };
}

/** The snapshots that some volumes or databases begin with. */
export function snapshotsOf(pins: readonly (VolumePin | DatabasePin)[]): string[] {
  return pins.flatMap((pin) => ("snapshotId" in pin && pin.snapshotId !== undefined ? [pin.snapshotId] : []));
}
