import {
  type DBInstanceAutomatedBackup,
  DescribeDBClustersCommand,
  paginateDescribeDBInstanceAutomatedBackups,
  RDSClient,
} from "@aws-sdk/client-rds";
import type { PrimaryDatabase } from "../../config/databases.ts";
import type { Restorable } from "../../recovery/restorable.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** What of the primary's databases can be restored to a second, in one region and as that region says itself. */
export interface DatabaseBackups {
  readonly region: string;
  /** A database without is not in it. Clusters have a window in their own region only. */
  restorable(databases: readonly PrimaryDatabase[]): Promise<Restorable[]>;
}

export function rdsBackups(access: AwsAccess, region: string): DatabaseBackups {
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  return {
    region,
    async restorable(databases) {
      const found = databases.map((database) =>
        database.isCluster ? ofCluster(rds, database) : ofInstance(rds, region, database),
      );
      return (await Promise.all(found)).flat();
    },
  };
}

async function ofInstance(
  client: RDSClient,
  region: string,
  { name, identifier }: PrimaryDatabase,
): Promise<Restorable[]> {
  const found: DBInstanceAutomatedBackup[] = [];
  const asked = { DBInstanceIdentifier: identifier };
  for await (const page of paginateDescribeDBInstanceAutomatedBackups({ client }, asked))
    found.push(...(page.DBInstanceAutomatedBackups ?? []));
  return found.flatMap((backup) => {
    const isOwn = backup.Region === region;
    // What a deleted instance left in its own region is not restored by its name.
    if (isOwn && backup.Status !== "active") return [];
    const source = isOwn
      ? { kind: "live" as const, identifier }
      : { kind: "replicated" as const, arn: backup.DBInstanceAutomatedBackupsArn! };
    const { EarliestTime, LatestTime } = backup.RestoreWindow ?? {};
    return windowOf(name, source, EarliestTime, LatestTime);
  });
}

async function ofCluster(client: RDSClient, { name, identifier }: PrimaryDatabase): Promise<Restorable[]> {
  try {
    const { DBClusters } = await client.send(
      new DescribeDBClustersCommand({ DBClusterIdentifier: identifier }),
    );
    const { EarliestRestorableTime, LatestRestorableTime } = DBClusters![0]!;
    return windowOf(name, { kind: "live", identifier }, EarliestRestorableTime, LatestRestorableTime);
  } catch (error) {
    if (errorCode(error) === "DBClusterNotFoundFault") return [];
    throw error;
  }
}

/** One whose first backup is not done has none yet. */
function windowOf(
  database: string,
  source: Restorable["source"],
  from: Date | undefined,
  until: Date | undefined,
): Restorable[] {
  if (from === undefined || until === undefined) return [];
  return [{ database, source, from: from.toISOString(), until: until.toISOString() }];
}
