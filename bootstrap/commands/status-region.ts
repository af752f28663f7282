import type { Place } from "../config/places.ts";
import type { Account } from "../edges/aws/account.ts";
import type { Capacity } from "../edges/aws/capacity.ts";
import type { DatabaseBackups } from "../edges/aws/database-backups.ts";
import type { Permissions } from "../edges/aws/permissions.ts";
import type { RecoveryParts } from "../edges/aws/recovery-parts.ts";
import type { Catalog } from "../edges/catalog.ts";
import type { GameDayRecord } from "../gameday/record.ts";

/** One place of an environment, and all that is asked of it. */
export interface StatusRegion {
  place: Place;
  region: string;
  /** The place's own: a vault's is not the environment's. */
  account: Account;
  catalog: Catalog;
  backups: DatabaseBackups;
  parts: RecoveryParts;
  capacity: Capacity;
  permissions: Permissions;
  /** The last game day that its catalog knows. */
  rehearsed(): Promise<GameDayRecord | undefined>;
}
