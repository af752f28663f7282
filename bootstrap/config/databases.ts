import { databaseIdentifier } from "./names.ts";
import type { Database, Environment } from "./schema.ts";

export type Cluster = Extract<Database, { instances: number }>;
export type Instance = Exclude<Database, Cluster>;

/** Aurora's databases are clusters: RDS has calls of its own for them. */
export function isCluster(database: Database): database is Cluster {
  return database.engine.startsWith("aurora-");
}

/** One database of the primary site, by the names that RDS knows it by. */
export interface PrimaryDatabase {
  name: string;
  identifier: string;
  isCluster: boolean;
}

export function primaryDatabases({ name, databases }: Environment): PrimaryDatabase[] {
  return Object.entries(databases).map(([database, description]) => ({
    name: database,
    identifier: databaseIdentifier(name, "primary", database),
    isCluster: isCluster(description),
  }));
}
