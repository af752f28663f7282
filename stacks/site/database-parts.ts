import type { ITerraformDependable } from "cdktf";
import type { Database } from "../../bootstrap/config/schema.ts";
import type { DatabasePin } from "../../bootstrap/recovery/database-pin.ts";

/** What an instance and a cluster are made from alike. */
export interface DatabaseParts<D extends Database = Database> {
  database: D;
  identifier: string;
  pin: DatabasePin;
  encryptionKey: string;
  subnetGroup: string;
  securityGroup: string;
}

/** How servers reach a database, and where RDS keeps its password. */
export interface MadeDatabase {
  endpoint: string;
  secretArn: string;
  ready: ITerraformDependable[];
}
