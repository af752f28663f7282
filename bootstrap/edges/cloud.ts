import { siteBucket, stateBucket } from "../config/names.ts";
import { copiesAtOnce, furtherPlaces, type Place, primaryPlace, recoveryPlace } from "../config/places.ts";
import type { Topology } from "../config/schema.ts";
import { AtOnce } from "./at-once.ts";
import type { AwsAccess } from "./aws/access.ts";
import { type Account, awsAccount } from "./aws/account.ts";
import { assumedRole } from "./aws/assumed-role.ts";
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

/** All that Rekindle asks of one region, as one account. */
export interface CloudRegion {
  place: Place;
  region: string;
  /** The place's own: a vault's is not the environment's. */
  account: Account;
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
  /** Whatever is copied into this place takes its turn. */
  copying: AtOnce;
}

/** An environment's account and regions. Making one calls nothing. */
export interface Cloud {
  account: Account;
  primary: CloudRegion;
  recovery: CloudRegion;
  /** Further regions, and then the vault, that have copies of everything. */
  further: readonly CloudRegion[];
  /** All of these. */
  places: readonly CloudRegion[];
  /** Every place of the environment's account, the recovery region first: its word counts. */
  regions: readonly CloudRegion[];
  /** Theirs. */
  catalogs: readonly Catalog[];
  /** The bucket of Terraform's state, in the recovery region. */
  state: ObjectStore;
  /** Makes that bucket, which no stack can make for itself. Safe to call again. */
  ensureStateBucket(): Promise<"created" | "there">;
}

export function connectCloud(access: AwsAccess, topology: Topology): Cloud {
  const { environment } = topology;
  const { name, account, regions } = environment;
  const connect = (place: Place): CloudRegion => {
    const { region } = place;
    const own = place.role === undefined ? access : assumedRole(access, place.role, region);
    return {
      place,
      region,
      account: awsAccount(own),
      catalog: new Catalog(s3Store(own, region, siteBucket(name, place.account, region), place.account)),
      images: ec2Images(own, region),
      volumes: ebsSnapshots(own, region),
      databases: rdsSnapshots(own, region),
      clusters: clusterSnapshots(own, region),
      backups: rdsBackups(own, region),
      archive: ebsArchive(own, region),
      holdings: awsHoldings(own, region),
      inventory: awsInventory(own, region),
      sweep: awsSweep(own, region),
      copying: new AtOnce(copiesAtOnce(environment)),
    };
  };
  const primary = connect(primaryPlace(environment));
  const recovery = connect(recoveryPlace(environment));
  const further = furtherPlaces(environment).map(connect);
  const ownRegions = [recovery, primary, ...further.filter(({ place }) => place.account === account)];
  const state = stateBucket(name, account, regions.recovery);
  return {
    account: awsAccount(access),
    primary,
    recovery,
    further,
    places: [primary, recovery, ...further],
    regions: ownRegions,
    catalogs: ownRegions.map(({ catalog }) => catalog),
    state: s3Store(access, regions.recovery, state, account),
    ensureStateBucket: () => ensureStateBucket(access, regions.recovery, state),
  };
}
