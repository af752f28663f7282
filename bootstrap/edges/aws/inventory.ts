import {
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVolumesCommand,
  EC2Client,
  type Filter,
  type Instance,
  type Volume,
} from "@aws-sdk/client-ec2";
import {
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  type TargetGroup,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { type DBInstance, DescribeDBInstancesCommand, RDSClient } from "@aws-sdk/client-rds";
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
  const found = await ec2.send(new DescribeInstancesCommand({ Filters: [...filters, live], MaxResults: 1000 }));
  const instances = (found.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []);
  const volumeIds = instances.flatMap(({ BlockDeviceMappings }) => (BlockDeviceMappings ?? []).map(({ Ebs }) => Ebs!.VolumeId!));
  const volumes =
    volumeIds.length === 0 ? [] : ((await ec2.send(new DescribeVolumesCommand({ VolumeIds: volumeIds }))).Volumes ?? []);
  return Promise.all(instances.map((instance) => observeServer(ec2, instance, new Map(volumes.map((one) => [one.VolumeId!, one])))));
}

async function observeServer(ec2: EC2Client, instance: Instance, volumes: Map<string, Volume>): Promise<ObservedServer> {
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
    userData: Buffer.from(attribute.UserData?.Value ?? "", "base64").toString(),
    volumes: (instance.BlockDeviceMappings ?? []).map(({ DeviceName, Ebs }) => observeVolume(DeviceName!, volumes.get(Ebs!.VolumeId!))),
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

async function observeDatabases(rds: RDSClient, belongs: (list: TagLists) => boolean): Promise<ObservedDatabase[]> {
  const found = await rds.send(new DescribeDBInstancesCommand({}));
  return (found.DBInstances ?? []).filter(({ TagList }) => belongs(TagList)).map(observeDatabase);
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

async function observeTargetGroups(
  elb: ElasticLoadBalancingV2Client,
  belongs: (list: TagLists) => boolean,
): Promise<ObservedTargetGroup[]> {
  const groups = (await elb.send(new DescribeTargetGroupsCommand({}))).TargetGroups ?? [];
  if (groups.length === 0) return [];
  const described = await elb.send(new DescribeTagsCommand({ ResourceArns: groups.map(({ TargetGroupArn }) => TargetGroupArn!) }));
  const ours = new Set((described.TagDescriptions ?? []).filter(({ Tags }) => belongs(Tags)).map(({ ResourceArn }) => ResourceArn));
  return Promise.all(groups.filter(({ TargetGroupArn }) => ours.has(TargetGroupArn)).map((group) => observeTargetGroup(elb, group)));
}

async function observeTargetGroup(elb: ElasticLoadBalancingV2Client, group: TargetGroup): Promise<ObservedTargetGroup> {
  const health = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: group.TargetGroupArn! }));
  return {
    name: group.TargetGroupName ?? "",
    port: group.Port ?? 0,
    healthPath: group.HealthCheckPath ?? "",
    targets: Object.fromEntries(
      (health.TargetHealthDescriptions ?? []).map(({ Target, TargetHealth }) => [Target!.Id!, TargetHealth?.State ?? "unknown"]),
    ),
  };
}

async function observeSecurityGroups(ec2: EC2Client, filters: Filter[]): Promise<ObservedSecurityGroup[]> {
  const found = (await ec2.send(new DescribeSecurityGroupsCommand({ Filters: filters }))).SecurityGroups ?? [];
  const names = new Map(found.map(({ GroupId, GroupName }) => [GroupId!, GroupName!]));
  return found.map((group) => ({
    name: group.GroupName!,
    ingress: (group.IpPermissions ?? [])
      .map((rule) => ({
        port: rule.FromPort ?? -1,
        from: [
          ...(rule.UserIdGroupPairs ?? []).map(({ GroupId }) => names.get(GroupId!) ?? GroupId!),
          ...(rule.IpRanges ?? []).map(({ CidrIp }) => CidrIp!),
        ].sort(),
      }))
      .sort((a, b) => a.port - b.port || (a.from[0] ?? "").localeCompare(b.from[0] ?? "")),
  }));
}
