import {
  EC2Client,
  type Filter,
  type Image,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeSnapshots,
} from "@aws-sdk/client-ec2";
import {
  type DBSnapshot,
  paginateDescribeDBClusterSnapshots,
  paginateDescribeDBSnapshots,
  RDSClient,
} from "@aws-sdk/client-rds";
import { tags } from "../../config/names.ts";
import { type AwsAccess, clientConfig, connected } from "./access.ts";

/** One snapshot, of a volume or of a database, as its region shows it. Times are ISO 8601, UTC. */
export interface HeldSnapshot {
  id: string;
  /** The recovery point that it was taken for, as its tag says; empty for any other. */
  point: string;
  state: string;
  startedAt: string;
  sizeGiB: number;
}

export interface HeldImage {
  id: string;
  name: string;
  createdAt: string;
  snapshots: string[];
}

/** What an environment's commands made in one region and no stack knows, by its tag. Looks, and changes nothing. */
export interface Holdings {
  /** Page by page, for there may be a million; of these points only, if any are named: 200 at most. */
  snapshots(environment: string, points?: readonly string[]): AsyncIterable<HeldSnapshot[]>;
  /** Volumes' snapshots by name, whatever their tags → state; one that is not there is left out. */
  snapshotStates(ids: readonly string[]): Promise<Map<string, string>>;
  /** Of instances and of clusters. */
  databaseSnapshots(environment: string): Promise<HeldSnapshot[]>;
  images(environment: string): Promise<HeldImage[]>;
  /** Images that its servers run or would start again with. */
  imagesInUse(environment: string): Promise<Set<string>>;
}

/** As many values as a filter takes. */
const filterLimit = 200;

export function awsHoldings(access: AwsAccess, region: string): Holdings {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  return {
    async *snapshots(environment, points) {
      const Filters: Filter[] = [
        { Name: `tag:${tags.environment}`, Values: [environment] },
        ...(points === undefined ? [] : [{ Name: `tag:${tags.point}`, Values: [...points] }]),
      ];
      const paginated = paginateDescribeSnapshots(
        { client: ec2, pageSize: 1000 },
        { OwnerIds: ["self"], Filters },
      );
      for await (const { Snapshots = [] } of paginated) {
        yield Snapshots.filter(({ Tags }) => !isAnEngines(Tags)).map((snapshot) => ({
          id: snapshot.SnapshotId!,
          point: tag(snapshot.Tags, tags.point),
          state: snapshot.State ?? "unknown",
          startedAt: snapshot.StartTime?.toISOString() ?? "",
          sizeGiB: snapshot.VolumeSize ?? 0,
        }));
      }
    },
    async snapshotStates(ids) {
      const states = new Map<string, string>();
      for (let at = 0; at < ids.length; at += filterLimit) {
        const Filters = [{ Name: "snapshot-id", Values: ids.slice(at, at + filterLimit) }];
        for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client: ec2 }, { Filters }))
          for (const { SnapshotId, State } of Snapshots) states.set(SnapshotId!, State ?? "unknown");
      }
      return states;
    },
    async databaseSnapshots(environment) {
      const found: HeldSnapshot[] = [];
      const isOwn = ({ TagList }: DatabaseSnapshot) => tag(TagList, tags.environment) === environment;
      // RDS can't be asked for a tag; an account has some hundred manual snapshots at most.
      for await (const { DBSnapshots = [] } of paginateDescribeDBSnapshots(
        { client: rds },
        { SnapshotType: "manual" },
      )) {
        found.push(
          ...DBSnapshots.map((one) => ({ ...one, id: one.DBSnapshotIdentifier! }))
            .filter(isOwn)
            .map(heldDatabase),
        );
      }
      for await (const { DBClusterSnapshots = [] } of paginateDescribeDBClusterSnapshots(
        { client: rds },
        { SnapshotType: "manual" },
      )) {
        found.push(
          ...DBClusterSnapshots.map((one) => ({ ...one, id: one.DBClusterSnapshotIdentifier! }))
            .filter(isOwn)
            .map(heldDatabase),
        );
      }
      return found;
    },
    async images(environment) {
      const Filters = [{ Name: `tag:${tags.environment}`, Values: [environment] }];
      const found: HeldImage[] = [];
      for await (const { Images = [] } of paginateDescribeImages(
        { client: ec2 },
        { Owners: ["self"], Filters },
      ))
        found.push(...Images.filter(({ Tags }) => !isAnEngines(Tags)).map(heldImage));
      return found;
    },
    async imagesInUse(environment) {
      const Filters = [
        { Name: `tag:${tags.environment}`, Values: [environment] },
        { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
      ];
      const found = new Set<string>();
      for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters }))
        for (const { Instances = [] } of Reservations)
          for (const { ImageId } of Instances) found.add(ImageId!);
      return found;
    },
  };
}

type DatabaseSnapshot = { id: string } & Pick<
  DBSnapshot,
  "TagList" | "Status" | "SnapshotCreateTime" | "AllocatedStorage"
>;

function heldDatabase(snapshot: DatabaseSnapshot): HeldSnapshot {
  return {
    id: snapshot.id,
    point: tag(snapshot.TagList, tags.point),
    state: snapshot.Status ?? "unknown",
    startedAt: snapshot.SnapshotCreateTime?.toISOString() ?? "",
    sizeGiB: snapshot.AllocatedStorage ?? 0,
  };
}

/** AWS Backup and DLM copy a volume's tags to what they make of it, and take care of that themselves. */
function isAnEngines(list: { Key?: string | undefined }[] | undefined): boolean {
  return list?.some(({ Key = "" }) => /^aws:(backup|dlm):/.test(Key)) ?? false;
}

function heldImage(image: Image): HeldImage {
  return {
    id: image.ImageId!,
    name: image.Name ?? "",
    createdAt: image.CreationDate ?? "",
    snapshots: (image.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
  };
}

function tag(
  list: { Key?: string | undefined; Value?: string | undefined }[] | undefined,
  key: string,
): string {
  return list?.find(({ Key }) => Key === key)?.Value ?? "";
}
