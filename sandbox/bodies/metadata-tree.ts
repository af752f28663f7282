import type { Instance, InstanceNetworkInterface } from "@aws-sdk/client-ec2";

/** Folders, values, and values that are made when they are asked for. */
export interface Tree {
  [name: string]: string | Tree | (() => Promise<string>);
}

/** What `meta-data/` says of an instance that needs no one else to be asked. */
export function metadataTree(instance: Instance, region: string): Tree {
  const { NetworkInterfaces = [], SecurityGroups = [], Placement } = instance;
  const zone = Placement?.AvailabilityZone ?? `${region}a`;
  const hostname = instance.PrivateDnsName ?? "";
  return present({
    "ami-id": instance.ImageId,
    "ami-launch-index": String(instance.AmiLaunchIndex ?? 0),
    "ami-manifest-path": "(unknown)",
    "block-device-mapping": blockDevices(instance),
    hostname,
    "instance-action": "none",
    "instance-id": instance.InstanceId,
    "instance-life-cycle": instance.InstanceLifecycle ?? "on-demand",
    "instance-type": instance.InstanceType,
    "local-hostname": hostname,
    "local-ipv4": instance.PrivateIpAddress,
    mac: NetworkInterfaces[0]?.MacAddress,
    network: { interfaces: { macs: macs(NetworkInterfaces) } },
    placement: { "availability-zone": zone, region },
    "public-hostname": instance.PublicDnsName,
    "public-ipv4": instance.PublicIpAddress,
    "reservation-id": `r-${instance.InstanceId?.slice(2)}`,
    "security-groups": SecurityGroups.map(({ GroupName }) => GroupName).join("\n"),
    services: { domain: "amazonaws.com", partition: "aws" },
    // Only for an instance that is to know them, as in EC2.
    tags:
      instance.MetadataOptions?.InstanceMetadataTags === "enabled" ? { instance: tags(instance) } : undefined,
  });
}

export function identityDocument(instance: Instance, region: string): string {
  return JSON.stringify(
    {
      accountId: instance.NetworkInterfaces?.[0]?.OwnerId ?? null,
      architecture: instance.Architecture ?? "x86_64",
      availabilityZone: instance.Placement?.AvailabilityZone ?? `${region}a`,
      billingProducts: null,
      devpayProductCodes: null,
      marketplaceProductCodes: null,
      imageId: instance.ImageId,
      instanceId: instance.InstanceId,
      instanceType: instance.InstanceType,
      kernelId: null,
      pendingTime: instance.LaunchTime?.toISOString().replace(/\.\d+/, ""),
      privateIp: instance.PrivateIpAddress,
      ramdiskId: null,
      region,
      version: "2017-09-30",
    },
    undefined,
    2,
  );
}

function blockDevices({ BlockDeviceMappings = [], RootDeviceName = "/dev/sda1" }: Instance): Tree {
  const data = BlockDeviceMappings.filter(({ DeviceName }) => DeviceName !== RootDeviceName);
  const named = data.map(({ DeviceName = "" }, index) => [
    `ebs${index + 1}`,
    DeviceName.replace("/dev/", ""),
  ]);
  return { ami: RootDeviceName.replace("/dev/", ""), root: RootDeviceName, ...Object.fromEntries(named) };
}

function macs(interfaces: readonly InstanceNetworkInterface[]): Tree {
  const described = interfaces.map((one): [string, Tree] => [
    one.MacAddress ?? "",
    present({
      "device-number": String(one.Attachment?.DeviceIndex ?? 0),
      "interface-id": one.NetworkInterfaceId,
      "local-hostname": one.PrivateDnsName,
      "local-ipv4s": one.PrivateIpAddress,
      mac: one.MacAddress,
      "owner-id": one.OwnerId,
      "security-group-ids": one.Groups?.map(({ GroupId }) => GroupId).join("\n"),
      "security-groups": one.Groups?.map(({ GroupName }) => GroupName).join("\n"),
      "subnet-id": one.SubnetId,
      "vpc-id": one.VpcId,
    }),
  ]);
  return Object.fromEntries(described);
}

function tags({ Tags = [] }: Instance): Tree {
  return Object.fromEntries(Tags.map(({ Key, Value }) => [Key!, Value ?? ""]));
}

/** Without what the emulator does not know: EC2 has no empty entries. */
function present(entries: Record<string, string | Tree | undefined>): Tree {
  return Object.fromEntries(
    Object.entries(entries).filter(
      (entry): entry is [string, string | Tree] => entry[1] !== undefined && entry[1] !== "",
    ),
  );
}
