import type { Topology } from "../config/schema.ts";
import type { Account } from "../edges/aws/account.ts";
import type { CloudRegion } from "../edges/cloud.ts";
import type { PublicKey } from "../release/signature.ts";

export interface CheckContext {
  topology: Topology;
  account: Account;
  /** Where a recovery would be: nothing is looked up anywhere else. */
  region: Pick<CloudRegion, "region" | "catalog" | "images" | "holdings" | "backups">;
  trusted: readonly PublicKey[];
  /** ISO 8601, UTC, by the service's clock. */
  now: string;
}
