import {
  DescribeAddressesCommand,
  EC2Client,
  paginateDescribeInstances,
  paginateDescribeInstanceTypeOfferings,
  paginateDescribeInstanceTypes,
  paginateDescribeVpcs,
} from "@aws-sdk/client-ec2";
import { paginateDescribeOrderableDBInstanceOptions, RDSClient } from "@aws-sdk/client-rds";
import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { tags } from "../../config/names.ts";
import type { Needs } from "../../status/needs.ts";
import type { Quota } from "../../status/quotas.ts";
import type { PresentNetwork } from "../../status/recovery-checks.ts";
import { type AwsAccess, clientConfig, connected } from "./access.ts";

/** What one region offers and allows, and how much of it is taken by others than the environment's own rebuild. */
export interface Capacity {
  /** Of these instance types, where each is offered: `eu-central-1a t3.small`. */
  offered(types: readonly string[]): Promise<Set<string>>;
  /** Names of the databases whose engine, version and class can be ordered. */
  orderable(databases: Needs["databases"]): Promise<Set<string>>;
  /** Instance type → vCPUs. A type that the region does not know is left out. */
  vcpus(types: readonly string[]): Promise<Map<string, number>>;
  /** Instance type → how many run. */
  running(environment: string): Promise<Map<string, number>>;
  networks(environment: string): Promise<PresentNetwork[]>;
  addresses(environment: string): Promise<number>;
  limit(quota: Quota): Promise<number>;
}

/** As many types as one call describes. */
const typesAtOnce = 100;

export function awsCapacity(access: AwsAccess, region: string): Capacity {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  const quotas = connected(new ServiceQuotasClient(clientConfig(access, region)), access, region);
  return {
    async offered(types) {
      const found = new Set<string>();
      const request = {
        LocationType: "availability-zone" as const,
        Filters: [{ Name: "instance-type", Values: [...types] }],
      };
      for await (const page of paginateDescribeInstanceTypeOfferings({ client: ec2 }, request)) {
        for (const { Location, InstanceType } of page.InstanceTypeOfferings ?? [])
          found.add(`${Location} ${InstanceType}`);
      }
      return found;
    },
    async orderable(databases) {
      const found = new Set<string>();
      for (const { name, engine, engineVersion, instanceClass } of databases) {
        const request = { Engine: engine, EngineVersion: engineVersion, DBInstanceClass: instanceClass };
        for await (const page of paginateDescribeOrderableDBInstanceOptions({ client: rds }, request))
          if ((page.OrderableDBInstanceOptions ?? []).length > 0) found.add(name);
      }
      return found;
    },
    async vcpus(types) {
      const found = new Map<string, number>();
      for (let at = 0; at < types.length; at += typesAtOnce) {
        // By a filter: one type that the region does not know would hide the others.
        const Filters = [{ Name: "instance-type", Values: types.slice(at, at + typesAtOnce) }];
        for await (const page of paginateDescribeInstanceTypes({ client: ec2 }, { Filters })) {
          for (const { InstanceType, VCpuInfo } of page.InstanceTypes ?? [])
            found.set(InstanceType!, VCpuInfo?.DefaultVCpus ?? 0);
        }
      }
      return found;
    },
    async running(environment) {
      const found = new Map<string, number>();
      const Filters = [{ Name: "instance-state-name", Values: ["pending", "running"] }];
      for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters })) {
        for (const { InstanceType, Tags } of (page.Reservations ?? []).flatMap((one) => one.Instances ?? []))
          if (!isOwn(Tags, environment)) found.set(InstanceType!, (found.get(InstanceType!) ?? 0) + 1);
      }
      return found;
    },
    async networks(environment) {
      const found: PresentNetwork[] = [];
      for await (const page of paginateDescribeVpcs({ client: ec2 }, {})) {
        for (const { VpcId, CidrBlock, CidrBlockAssociationSet, Tags } of page.Vpcs ?? []) {
          const associated = (CidrBlockAssociationSet ?? []).map((one) => one.CidrBlock!);
          const cidrs = [...new Set([CidrBlock!, ...associated])];
          found.push({ id: VpcId!, cidrs, isOwn: isOwn(Tags, environment) });
        }
      }
      return found;
    },
    async addresses(environment) {
      const { Addresses = [] } = await ec2.send(new DescribeAddressesCommand({}));
      return Addresses.filter(({ Tags }) => !isOwn(Tags, environment)).length;
    },
    async limit({ service, code }) {
      const found = await quotas.send(new GetServiceQuotaCommand({ ServiceCode: service, QuotaCode: code }));
      return found.Quota!.Value!;
    },
  };
}

/** Of the environment's own rebuild, which a rebuild does not come on top of. */
function isOwn(
  list: { Key?: string | undefined; Value?: string | undefined }[] | undefined,
  environment: string,
): boolean {
  const has = (key: string, value: string) =>
    (list ?? []).some(({ Key, Value }) => Key === key && Value === value);
  return has(tags.environment, environment) && has(tags.site, "recovery");
}
