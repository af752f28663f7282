import { gunzipSync } from "node:zlib";
import {
  DescribeInstanceAttributeCommand,
  EC2Client,
  type Filter,
  type Instance,
  type IpPermission,
  paginateDescribeInstances,
  paginateDescribeSecurityGroups,
  paginateDescribeVolumes,
  type SecurityGroup,
  type Volume,
} from "@aws-sdk/client-ec2";
import {
  DescribeTagsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  paginateDescribeTargetGroups,
  type TargetGroup,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  type DBCluster,
  type DBInstance,
  paginateDescribeDBClusters,
  paginateDescribeDBInstances,
  RDSClient,
} from "@aws-sdk/client-rds";
import { tags } from "../../config/names.ts";
import type { Site } from "../../config/schema.ts";
import type {
  Observed,
  ObservedDatabase,
  ObservedSecurityGroup,
  ObservedServer,
  ObservedTargetGroup,
  ObservedVolume,
} from "../../recovery/observed.ts";
import { type AwsAccess, clientConfig, connected } from "./access.ts";

/** Looks at one site of an environment in one region. Finds by tag, so that nothing unexpected is overlooked. */
export interface Inventory {
  observe(environment: string, site: Site): Promise<Observed>;
}

export function awsInventory(access: AwsAccess, region: string): Inventory {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  const elb = connected(new ElasticLoadBalancingV2Client(clientConfig(access, region)), access, region);
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  return {
    async observe(environment, site) {
      const belongs = (list: { Key?: string | undefined; Value?: string | undefined }[] | undefined) =>
        hasTag(list, tags.environment, environment) && hasTag(list, tags.site, site);
      const filters: Filter[] = [
        { Name: `tag:${tags.environment}`, Values: [environment] },
        { Name: `tag:${tags.site}`, Values: [site] },
      ];
      const [servers, databases, targetGroups, securityGroups] = await Promise.all([
        observeServers(ec2, filters),
        observeDatabases(rds, belongs),
        observeTargetGroups(elb, belongs),
        observeSecurityGroups(ec2, filters),
      ]);
      return { servers, databases, targetGroups, securityGroups };
    },
  };
}

type TagLists = { Key?: string | undefined; Value?: string | undefined }[] | undefined;

function hasTag(list: TagLists, key: string, value: string): boolean {
  return list?.some((tag) => tag.Key === key && tag.Value === value) ?? false;
}

async function observeServers(ec2: EC2Client, filters: Filter[]): Promise<ObservedServer[]> {
  const live = { Name: "instance-state-name", Values: ["pending", "running"] };
  const instances: Instance[] = [];
  for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters: [...filters, live] })) {
    instances.push(...(page.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []));
  }
  const attached = [
    { Name: "attachment.instance-id", Values: instances.map(({ InstanceId }) => InstanceId!) },
  ];
  const volumes = new Map<string, Volume>();
  if (instances.length > 0) {
    for await (const page of paginateDescribeVolumes({ client: ec2 }, { Filters: attached })) {
      for (const volume of page.Volumes ?? []) volumes.set(volume.VolumeId!, volume);
    }
  }
  return Promise.all(instances.map((instance) => observeServer(ec2, instance, volumes)));
}

async function observeServer(
  ec2: EC2Client,
  instance: Instance,
  volumes: Map<string, Volume>,
): Promise<ObservedServer> {
  const tag = (key: string) => instance.Tags?.find(({ Key }) => Key === key)?.Value ?? "";
  const attribute = await ec2.send(
    new DescribeInstanceAttributeCommand({ InstanceId: instance.InstanceId!, Attribute: "userData" }),
  );
  return {
    instanceId: instance.InstanceId!,
    role: tag(tags.role),
    server: tag(tags.server),
    imageId: instance.ImageId ?? "",
    instanceType: instance.InstanceType ?? "",
    instanceProfile: instance.IamInstanceProfile?.Arn?.split("/").at(-1) ?? "",
    privateAddress: instance.PrivateIpAddress ?? "",
    // Of its interfaces: what the instance itself lists, the emulator leaves empty for one with a fixed address.
    securityGroups: [
      ...new Set(
        (instance.NetworkInterfaces ?? []).flatMap(({ Groups }) =>
          (Groups ?? []).map(({ GroupName }) => GroupName!),
        ),
      ),
    ].sort(),
    rootDevice: instance.RootDeviceName ?? "",
    userData: plainText(Buffer.from(attribute.UserData?.Value ?? "", "base64")),
    volumes: (instance.BlockDeviceMappings ?? []).map(({ DeviceName, Ebs }) =>
      observeVolume(DeviceName!, volumes.get(Ebs!.VolumeId!)),
    ),
  };
}

function observeVolume(device: string, volume: Volume | undefined): ObservedVolume {
  return {
    device,
    snapshotId: volume?.SnapshotId ?? "",
    sizeGiB: volume?.Size ?? 0,
    type: volume?.VolumeType ?? "",
    encrypted: volume?.Encrypted ?? false,
    keyArn: volume?.KmsKeyId ?? "",
  };
}

async function observeDatabases(
  rds: RDSClient,
  belongs: (list: TagLists) => boolean,
): Promise<ObservedDatabase[]> {
  const found: DBInstance[] = [];
  for await (const page of paginateDescribeDBInstances({ client: rds }, {}))
    found.push(...(page.DBInstances ?? []));
  const clusters: DBCluster[] = [];
  for await (const page of paginateDescribeDBClusters({ client: rds }, {}))
    clusters.push(...(page.DBClusters ?? []));
  return [
    ...found
      .filter(({ TagList, DBClusterIdentifier }) => belongs(TagList) && !DBClusterIdentifier)
      .map(observeDatabase),
    ...clusters
      .filter(({ TagList }) => belongs(TagList))
      .map((cluster) =>
        observeCluster(
          cluster,
          found.filter(({ DBClusterIdentifier }) => DBClusterIdentifier === cluster.DBClusterIdentifier),
        ),
      ),
  ];
}

function observeDatabase(instance: DBInstance): ObservedDatabase {
  return {
    identifier: instance.DBInstanceIdentifier ?? "",
    status: instance.DBInstanceStatus ?? "",
    engine: instance.Engine ?? "",
    instanceClass: instance.DBInstanceClass ?? "",
    storageGiB: instance.AllocatedStorage ?? 0,
    port: instance.Endpoint?.Port ?? 0,
    encrypted: instance.StorageEncrypted ?? false,
    keyArn: instance.KmsKeyId ?? "",
    createdAt: instance.InstanceCreateTime?.toISOString() ?? "",
  };
}

function observeCluster(cluster: DBCluster, members: readonly DBInstance[]): ObservedDatabase {
  const classes = new Set(members.map(({ DBInstanceClass }) => DBInstanceClass ?? ""));
  const waiting = members.find(({ DBInstanceStatus }) => DBInstanceStatus !== "available");
  return {
    identifier: cluster.DBClusterIdentifier ?? "",
    status: waiting?.DBInstanceStatus ?? cluster.Status ?? "",
    engine: cluster.Engine ?? "",
    instanceClass: [...classes].sort().join(", "),
    members: members.length,
    storageGiB: 0,
    port: cluster.Port ?? 0,
    encrypted: cluster.StorageEncrypted ?? false,
    keyArn: cluster.KmsKeyId ?? "",
    createdAt: cluster.ClusterCreateTime?.toISOString() ?? "",
  };
}

async function observeTargetGroups(
  elb: ElasticLoadBalancingV2Client,
  belongs: (list: TagLists) => boolean,
): Promise<ObservedTargetGroup[]> {
  const ours: TargetGroup[] = [];
  // As many a page as DescribeTags takes at once.
  for await (const page of paginateDescribeTargetGroups({ client: elb, pageSize: 20 }, {})) {
    const groups = page.TargetGroups ?? [];
    if (groups.length === 0) continue;
    const described = await elb.send(
      new DescribeTagsCommand({ ResourceArns: groups.map(({ TargetGroupArn }) => TargetGroupArn!) }),
    );
    const tagged = new Set(
      (described.TagDescriptions ?? [])
        .filter(({ Tags }) => belongs(Tags))
        .map(({ ResourceArn }) => ResourceArn),
    );
    ours.push(...groups.filter(({ TargetGroupArn }) => tagged.has(TargetGroupArn)));
  }
  return Promise.all(ours.map((group) => observeTargetGroup(elb, group)));
}

async function observeTargetGroup(
  elb: ElasticLoadBalancingV2Client,
  group: TargetGroup,
): Promise<ObservedTargetGroup> {
  const health = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: group.TargetGroupArn! }));
  return {
    name: group.TargetGroupName ?? "",
    port: group.Port ?? 0,
    healthPort: group.HealthCheckPort ?? "",
    healthPath: group.HealthCheckPath ?? "",
    targets: Object.fromEntries(
      (health.TargetHealthDescriptions ?? []).map(({ Target, TargetHealth }) => [
        Target!.Id!,
        TargetHealth?.State ?? "unknown",
      ]),
    ),
  };
}

async function observeSecurityGroups(ec2: EC2Client, filters: Filter[]): Promise<ObservedSecurityGroup[]> {
  const found: SecurityGroup[] = [];
  for await (const page of paginateDescribeSecurityGroups({ client: ec2 }, { Filters: filters })) {
    found.push(...(page.SecurityGroups ?? []));
  }
  const names = new Map(found.map(({ GroupId, GroupName }) => [GroupId!, GroupName!]));
  return found.map((group) => ({
    name: group.GroupName!,
    ingress: (group.IpPermissions ?? []).map((rule) => ({
      ports: describePorts(rule),
      from: [
        ...(rule.UserIdGroupPairs ?? []).map(({ GroupId }) => names.get(GroupId!) ?? GroupId!),
        ...(rule.IpRanges ?? []).map(({ CidrIp }) => CidrIp!),
        ...(rule.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6!),
        ...(rule.PrefixListIds ?? []).map(({ PrefixListId }) => PrefixListId!),
      ],
    })),
  }));
}

function describePorts({ IpProtocol, FromPort, ToPort }: IpPermission): string {
  if (IpProtocol === undefined || IpProtocol === "-1") return "all";
  return FromPort === ToPort ? `${IpProtocol} ${FromPort}` : `${IpProtocol} ${FromPort}-${ToPort}`;
}

/** User-data over EC2's limit was compressed. */
function plainText(userData: Buffer): string {
  const isGzip = userData[0] === 0x1f && userData[1] === 0x8b;
  return (isGzip ? gunzipSync(userData) : userData).toString();
}
