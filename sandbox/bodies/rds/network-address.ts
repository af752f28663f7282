import {
  CreateNetworkInterfaceCommand,
  DeleteNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSubnetsCommand,
  type EC2Client,
  type Subnet,
} from "@aws-sdk/client-ec2";
import type { DBInstance } from "@aws-sdk/client-rds";
import { Refusal } from "../../refusal.ts";

/** A database's place in its network: an interface of the emulator's, so that no instance gets its address. */
export interface NetworkAddress {
  address: string;
  release(): Promise<void>;
}

/** Takes an address in a subnet of the instance's group, or of the default VPC, as RDS does. */
export async function takeAddress(ec2: EC2Client, instance: DBInstance): Promise<NetworkAddress> {
  const subnet = await subnetOf(ec2, instance);
  const Filters = [{ Name: "subnet-id", Values: [subnet.SubnetId!] }];
  const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand({ Filters }));
  const used = NetworkInterfaces.flatMap(({ PrivateIpAddresses = [] }) =>
    PrivateIpAddresses.map(({ PrivateIpAddress }) => PrivateIpAddress!),
  );
  const address = freeAddress(subnet.CidrBlock!, new Set(used));
  if (address === undefined)
    throw new Refusal("InvalidSubnet", `subnet ${subnet.SubnetId} (${subnet.CidrBlock}) has no free address`);
  const Groups = instance.VpcSecurityGroups?.map(({ VpcSecurityGroupId }) => VpcSecurityGroupId!);
  const made = await ec2.send(
    new CreateNetworkInterfaceCommand({
      SubnetId: subnet.SubnetId!,
      PrivateIpAddress: address,
      Description: "RDSNetworkInterface",
      ...(Groups === undefined ? {} : { Groups }),
    }),
  );
  const NetworkInterfaceId = made.NetworkInterface!.NetworkInterfaceId!;
  return {
    address,
    async release() {
      await ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId }));
    },
  };
}

/** The last address of a block that nobody has: EC2 gives the first ones to servers. AWS keeps the very last. */
export function freeAddress(cidr: string, used: ReadonlySet<string>): string | undefined {
  const [network = "", bits = "32"] = cidr.split("/");
  const first = network.split(".").reduce((number, part) => number * 256 + Number(part), 0);
  const count = 2 ** (32 - Number(bits));
  // Of a block's addresses AWS keeps the first four and the last.
  for (let offset = count - 2; offset >= 4; offset -= 1) {
    const address = [24, 16, 8, 0].map((shift) => Math.floor((first + offset) / 2 ** shift) % 256).join(".");
    if (!used.has(address)) return address;
  }
  return undefined;
}

async function subnetOf(ec2: EC2Client, { DBSubnetGroup }: DBInstance): Promise<Subnet> {
  const group = DBSubnetGroup?.Subnets?.map(({ SubnetIdentifier }) => SubnetIdentifier!);
  const asked = group?.length
    ? { SubnetIds: group }
    : { Filters: [{ Name: "default-for-az", Values: ["true"] }] };
  const found = (await ec2.send(new DescribeSubnetsCommand(asked))).Subnets?.[0];
  if (found !== undefined) return found;
  throw new Refusal("InvalidSubnet", "there is no default subnet here, and no DB subnet group is named");
}
