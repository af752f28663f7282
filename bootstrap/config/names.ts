import type { Site } from "./schema.ts";

/** Names that can be worked out with no call, so that a rebuild never has to ask for them. */

export function stateBucket(environment: string, account: string, recoveryRegion: string): string {
  return `rekindle-${environment}-state-${account}-${recoveryRegion}`;
}

/** The bucket of one region that holds releases and the catalog. */
export function siteBucket(environment: string, account: string, region: string): string {
  return `rekindle-${environment}-${account}-${region}`;
}

/** Where S3 notes who read and wrote the bucket of that region. */
export function logBucket(environment: string, account: string, region: string): string {
  return `rekindle-${environment}-logs-${account}-${region}`;
}

/** The role that S3 takes to copy between an environment's buckets. */
export function replicationRole(environment: string): string {
  return `rekindle-${environment}-replication`;
}

export function keyAlias(environment: string): string {
  return `alias/rekindle-${environment}`;
}

/** The key that signs releases, one a region so that either survives the other. */
export function signingAlias(environment: string): string {
  return `alias/rekindle-${environment}-signing`;
}

export function instanceProfile(environment: string, role: string): string {
  return `rekindle-${environment}-${role}`;
}

/** The profile that builders of golden images run with: it may read nothing. */
export function builderProfile(environment: string): string {
  return `rekindle-${environment}-image-builder`;
}

export function backupVault(environment: string): string {
  return `rekindle-${environment}`;
}

/** What works for an environment by the clock. A dot, which no role's name has, keeps it apart from every role's. */
export function scheduled(
  environment: string,
  worker: "scheduler" | "automation" | "snapshot" | "backup" | "images",
): string {
  return `rekindle-${environment}.${worker}`;
}

/** The SSM Automation that takes a recovery point. */
export function pointAutomation(environment: string): string {
  return `rekindle-${environment}-recovery-point`;
}

/** The CodeBuild project that runs `rekindle snapshot`. */
export function snapshotProject(environment: string): string {
  return `rekindle-${environment}-snapshot`;
}

/** AWS Backup's restore tests take no hyphen in their names. */
export function restoreTests(environment: string): string {
  return `rekindle_${environment.replaceAll("-", "_")}`;
}

/** Where servers learn a database's endpoint; the stack writes it, so a rebuild needs no DNS zone. */
export function endpointParameter(environment: string, site: Site, database: string): string {
  return `/rekindle/${environment}/${site}/databases/${database}/endpoint`;
}

/** Where servers learn which secret RDS keeps a database's password in: beside the endpoint, as RDS names it itself. */
export function secretParameter(environment: string, site: Site, database: string): string {
  return `/rekindle/${environment}/${site}/databases/${database}/secret`;
}

export function databaseIdentifier(environment: string, site: Site, database: string): string {
  return `rekindle-${environment}-${site}-${database}`;
}

export function isDatabaseOf(environment: string, identifier: string | undefined): boolean {
  const sites: Site[] = ["primary", "recovery"];
  return sites.some((site) => identifier?.startsWith(databaseIdentifier(environment, site, "")) ?? false);
}

export function loadBalancerName(environment: string, site: Site, role: string): string {
  return `${environment}-${site === "primary" ? "p" : "r"}-${role}`;
}

/** Tag keys: the one place that spells them. */
export const tags = {
  environment: "rekindle:environment",
  site: "rekindle:site",
  role: "rekindle:role",
  server: "rekindle:server",
  release: "rekindle:release",
  boot: "rekindle:boot",
  recipe: "rekindle:recipe",
  userData: "rekindle:user-data",
  commit: "rekindle:commit",
  volume: "rekindle:volume",
  point: "rekindle:point",
  taken: "rekindle:taken",
  consistency: "rekindle:consistency",
  /** On a volume that was made for a running server: the volume whose place it takes, and the device. */
  replaces: "rekindle:replaces",
  /** On a volume that gave its place to another one: when. ISO 8601, UTC. */
  replaced: "rekindle:replaced",
  /** On a volume that is only looked at, beside the present one. */
  beside: "rekindle:beside",
  image: "rekindle:image",
} as const;
