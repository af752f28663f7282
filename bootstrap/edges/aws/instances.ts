import { EC2Client, type Instance, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { tags } from "../../config/names.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** A server that exists, whoever made it. */
export interface ExistingServer {
  instanceId: string;
  /** Its name in the environment, else its own Name, else its id. */
  server: string;
  /** Empty for a server of no environment. */
  role: string;
  state: string;
  /** The image that it started from. */
  imageId: string;
  rootDevice: string;
  /** Every device with a volume, the root among them. */
  devices: string[];
}

/** Servers of one region that are there now, stopped ones included. */
export interface Instances {
  /** By id, by the name that a server has in the environment, or by its Name tag. */
  find(named: string, environment: string): Promise<ExistingServer[]>;
}

const states = ["pending", "running", "stopping", "stopped"];

export function ec2Instances(access: AwsAccess, region: string): Instances {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);

  async function list(wanted: { InstanceIds?: string[]; tags?: Record<string, string> }) {
    const Filters = [
      { Name: "instance-state-name", Values: states },
      ...Object.entries(wanted.tags ?? {}).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] })),
    ];
    const ids = wanted.InstanceIds === undefined ? {} : { InstanceIds: wanted.InstanceIds };
    const found: Instance[] = [];
    for await (const page of paginateDescribeInstances({ client: ec2 }, { ...ids, Filters }))
      found.push(...(page.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []));
    return found.map(described);
  }

  return {
    async find(named, environment) {
      if (/^i-[0-9a-f]+$/.test(named)) {
        try {
          return await list({ InstanceIds: [named] });
        } catch (error) {
          if (errorCode(error).startsWith("InvalidInstanceID.")) return [];
          throw error;
        }
      }
      const own = await list({ tags: { [tags.environment]: environment, [tags.server]: named } });
      return own.length > 0 ? own : await list({ tags: { Name: named } });
    },
  };
}

function described(instance: Instance): ExistingServer {
  const tag = (key: string) => instance.Tags?.find(({ Key }) => Key === key)?.Value;
  return {
    instanceId: instance.InstanceId!,
    server: tag(tags.server) ?? tag("Name") ?? instance.InstanceId!,
    role: tag(tags.role) ?? "",
    state: instance.State?.Name ?? "unknown",
    imageId: instance.ImageId ?? "",
    rootDevice: instance.RootDeviceName ?? "",
    devices: (instance.BlockDeviceMappings ?? []).map(({ DeviceName }) => DeviceName!),
  };
}
