import {
  DescribeInstancesCommand,
  DescribeNatGatewaysCommand,
  EC2Client,
  paginateDescribeSnapshots,
  paginateDescribeVolumes,
  paginateDescribeVpcs,
} from "@aws-sdk/client-ec2";
import {
  ElasticLoadBalancingV2Client,
  paginateDescribeLoadBalancers,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient, paginateListInstanceProfiles, paginateListRoles } from "@aws-sdk/client-iam";
import { DescribeKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  paginateDescribeDBClusterSnapshots,
  paginateDescribeDBClusters,
  paginateDescribeDBInstanceAutomatedBackups,
  paginateDescribeDBInstances,
  paginateDescribeDBSnapshots,
  RDSClient,
} from "@aws-sdk/client-rds";
import {
  paginateGetResources,
  ResourceGroupsTaggingAPIClient,
} from "@aws-sdk/client-resource-groups-tagging-api";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { tags } from "../../config/names.ts";
import type { Leftover } from "../../gameday/report.ts";
import { type AwsAccess, clientConfig, connected } from "./access.ts";

/**
 * What an environment still has in a region, found in two ways: by its tag, through the tagging API, and by listing
 * what bears its name or lies where nothing else should. Each way sees what the other misses.
 */
export async function leftovers(access: AwsAccess, region: string, environment: string): Promise<Leftover[]> {
  const [tagged, listed] = await Promise.all([
    byTag(access, region, environment),
    byListing(access, region, environment),
  ]);
  const known = new Set(listed.map(({ id }) => id));
  return [...listed, ...tagged.filter(({ id }) => !known.has(id.split(/[/:]/).at(-1)!))];
}

async function byTag(access: AwsAccess, region: string, environment: string): Promise<Leftover[]> {
  const client = connected(new ResourceGroupsTaggingAPIClient(clientConfig(access, region)), access, region);
  const found: string[] = [];
  for await (const page of paginateGetResources(
    { client },
    { TagFilters: [{ Key: tags.environment, Values: [environment] }] },
  )) {
    found.push(...(page.ResourceTagMappingList ?? []).map(({ ResourceARN }) => ResourceARN!));
  }
  const kept: Leftover[] = [];
  for (const arn of found) {
    if (await isGone(access, region, arn)) continue;
    kept.push({ region, kind: `tagged ${arn.split(":")[2]} resource`, id: arn });
  }
  return kept;
}

/** What was deleted is still listed for a while with its tags: such a thing is gone all the same. */
async function isGone(access: AwsAccess, region: string, arn: string): Promise<boolean> {
  const id = arn.split("/").at(-1)!;
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  if (arn.includes(":instance/")) {
    const found = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    return found.Reservations?.[0]?.Instances?.[0]?.State?.Name === "terminated";
  }
  if (arn.includes(":natgateway/")) {
    const found = await ec2.send(new DescribeNatGatewaysCommand({ NatGatewayIds: [id] }));
    return (found.NatGateways?.[0]?.State ?? "deleted") === "deleted";
  }
  if (arn.includes(":kms:")) {
    const kms = connected(new KMSClient(clientConfig(access, region)), access, region);
    const found = await kms.send(new DescribeKeyCommand({ KeyId: arn }));
    return found.KeyMetadata?.KeyState === "PendingDeletion";
  }
  return false;
}

async function byListing(access: AwsAccess, region: string, environment: string): Promise<Leftover[]> {
  const Filters = [{ Name: `tag:${tags.environment}`, Values: [environment] }];
  const named = (name: string | undefined) => name?.startsWith(`rekindle-${environment}-`) ?? false;
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  const elb = connected(new ElasticLoadBalancingV2Client(clientConfig(access, region)), access, region);
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  const s3 = connected(
    new S3Client({ ...clientConfig(access, region), forcePathStyle: access.endpoint !== undefined }),
    access,
    region,
  );
  const iam = connected(new IAMClient(clientConfig(access, region)), access, region);
  const found: Leftover[] = [];
  const add = (kind: string, ids: (string | undefined)[]) =>
    found.push(...ids.map((id) => ({ region, kind, id: id ?? "" })));

  for await (const page of paginateDescribeVpcs({ client: ec2 }, { Filters }))
    add(
      "VPC",
      (page.Vpcs ?? []).map(({ VpcId }) => VpcId),
    );
  for await (const page of paginateDescribeVolumes({ client: ec2 }, { Filters }))
    add(
      "volume",
      (page.Volumes ?? []).map(({ VolumeId }) => VolumeId),
    );
  for await (const page of paginateDescribeSnapshots({ client: ec2 }, { OwnerIds: ["self"], Filters })) {
    add(
      "snapshot",
      (page.Snapshots ?? []).map(({ SnapshotId }) => SnapshotId),
    );
  }
  for await (const page of paginateDescribeLoadBalancers({ client: elb }, {})) {
    add(
      "load balancer",
      (page.LoadBalancers ?? [])
        .map(({ LoadBalancerName }) => LoadBalancerName)
        .filter((name) => name?.startsWith(`${environment}-`)),
    );
  }
  for await (const page of paginateDescribeDBInstances({ client: rds }, {})) {
    add(
      "DB instance",
      (page.DBInstances ?? []).map(({ DBInstanceIdentifier }) => DBInstanceIdentifier).filter(named),
    );
  }
  for await (const page of paginateDescribeDBSnapshots({ client: rds }, { SnapshotType: "manual" })) {
    add(
      "DB snapshot",
      (page.DBSnapshots ?? []).map(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier).filter(named),
    );
  }
  for await (const page of paginateDescribeDBClusters({ client: rds }, {}))
    add(
      "DB cluster",
      (page.DBClusters ?? []).map(({ DBClusterIdentifier }) => DBClusterIdentifier).filter(named),
    );
  for await (const page of paginateDescribeDBClusterSnapshots({ client: rds }, { SnapshotType: "manual" })) {
    add(
      "DB cluster snapshot",
      (page.DBClusterSnapshots ?? [])
        .map(({ DBClusterSnapshotIdentifier }) => DBClusterSnapshotIdentifier)
        .filter(named),
    );
  }
  for await (const page of paginateDescribeDBInstanceAutomatedBackups({ client: rds }, {})) {
    add(
      "automated backup",
      (page.DBInstanceAutomatedBackups ?? [])
        .map(({ DBInstanceIdentifier }) => DBInstanceIdentifier)
        .filter(named),
    );
  }
  const buckets = (await s3.send(new ListBucketsCommand({}))).Buckets ?? [];
  add(
    "bucket",
    buckets.map(({ Name }) => Name).filter((name) => named(name) && name!.endsWith(region)),
  );
  for await (const page of paginateListRoles({ client: iam }, {}))
    add("IAM role", (page.Roles ?? []).map(({ RoleName }) => RoleName).filter(named));
  for await (const page of paginateListInstanceProfiles({ client: iam }, {})) {
    add(
      "instance profile",
      (page.InstanceProfiles ?? []).map(({ InstanceProfileName }) => InstanceProfileName).filter(named),
    );
  }
  return found;
}
