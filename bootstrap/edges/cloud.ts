import { siteBucket, stateBucket } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { AwsAccess } from "./aws/access.ts";
import { type Account, awsAccount } from "./aws/account.ts";
import { type DatabaseBackups, rdsBackups } from "./aws/database-backups.ts";
import { clusterSnapshots, type DatabaseSnapshots, rdsSnapshots } from "./aws/database-snapshots.ts";
import { awsHoldings, type Holdings } from "./aws/holdings.ts";
import { ec2Images, type ImageFactory } from "./aws/images.ts";
import { awsInventory, type Inventory } from "./aws/inventory.ts";
import { type ObjectStore, s3Store } from "./aws/objects.ts";
import { ebsArchive, type SnapshotArchive } from "./aws/snapshot-archive.ts";
import { ebsSnapshots, type VolumeSnapshots } from "./aws/snapshots.ts";
import { ensureStateBucket } from "./aws/state-bucket.ts";
import { awsSweep, type Sweep } from "./aws/sweep.ts";
import { Catalog } from "./catalog.ts";

/** All that Rekindle asks of one region. */
export interface CloudRegion {
  region: string;
  catalog: Catalog;
  images: ImageFactory;
  volumes: VolumeSnapshots;
  databases: DatabaseSnapshots;
  /** The same of Aurora's clusters. */
  clusters: DatabaseSnapshots;
  backups: DatabaseBackups;
  archive: SnapshotArchive;
  holdings: Holdings;
  inventory: Inventory;
  sweep: Sweep;
}

/** An environment's account and regions. Making one calls nothing. */
export interface Cloud {
  account: Account;
  primary: CloudRegion;
  recovery: CloudRegion;
  /** The bucket of Terraform's state, in the recovery region. */
  state: ObjectStore;
  /** Makes that bucket, which no stack can make for itself. Safe to call again. */
  ensureStateBucket(): Promise<"created" | "there">;
}

export function connectCloud(access: AwsAccess, topology: Topology): Cloud {
  const { name, account, regions } = topology.environment;
  const connect = (region: string): CloudRegion => ({
    region,
    catalog: new Catalog(s3Store(access, region, siteBucket(name, account, region), account)),
    images: ec2Images(access, region),
    volumes: ebsSnapshots(access, region),
    databases: rdsSnapshots(access, region),
    clusters: clusterSnapshots(access, region),
    backups: rdsBackups(access, region),
    archive: ebsArchive(access, region),
    holdings: awsHoldings(access, region),
    inventory: awsInventory(access, region),
    sweep: awsSweep(access, region),
  });
  const state = stateBucket(name, account, regions.recovery);
  return {
    account: awsAccount(access),
    primary: connect(regions.primary),
    recovery: connect(regions.recovery),
    state: s3Store(access, regions.recovery, state, account),
    ensureStateBucket: () => ensureStateBucket(access, regions.recovery, state),
  };
}
