import { EC2Client, type Instance, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { tags } from "../../config/names.ts";
import type { LaunchedServer } from "../../gameday/boots.ts";
import { type AwsAccess, clientConfig, connected } from "./access.ts";

/** Tells which of an environment's servers run in one region, by their tags, sorted. */
export type FindLiveServers = (environment: string) => Promise<LaunchedServer[]>;

export function ec2LiveServers(access: AwsAccess, region: string): FindLiveServers {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  return async (environment) => {
    const found: Instance[] = [];
    const Filters = [
      { Name: `tag:${tags.environment}`, Values: [environment] },
      // A builder of images has no role.
      { Name: "tag-key", Values: [tags.role] },
      { Name: "instance-state-name", Values: ["pending", "running"] },
    ];
    for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters }))
      found.push(...(page.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []));
    return found
      .map((instance) => {
        const tag = (key: string) => instance.Tags?.find(({ Key }) => Key === key)?.Value;
        const role = tag(tags.role) ?? "";
        return {
          instance: instance.InstanceId!,
          region,
          role,
          server: tag(tags.server) ?? role,
          launchedAt: instance.LaunchTime!.toISOString(),
        };
      })
      .sort((a, b) => (`${a.server} ${a.instance}` < `${b.server} ${b.instance}` ? -1 : 1));
  };
}
