import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import {
  DescribeImagesCommand,
  DescribeInstanceAttributeCommand,
  DescribeKeyPairsCommand,
  DescribeLaunchTemplateVersionsCommand,
  EC2Client,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeVolumes,
  type Volume,
} from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetInstanceProfileCommand, IAMClient } from "@aws-sdk/client-iam";
import { RDSClient } from "@aws-sdk/client-rds";
import { AssumeRoleCommand, type Credentials, STSClient } from "@aws-sdk/client-sts";
import type { Emulator } from "../emulator.ts";
import { ownCallHeader } from "../own-call.ts";

/** The one role of an instance profile. */
export interface ProfileRole {
  name: string;
  arn: string;
  profileArn: string;
  profileId: string;
}

interface WithMiddleware {
  middlewareStack: {
    add(
      middleware: (
        next: (args: never) => unknown,
      ) => (args: { request: { headers: Record<string, string> } }) => unknown,
      options: object,
    ): void;
  };
}

/** What the emulator says of one region when the gateway itself asks: past faults, the log and stand-ins. */
export class EmulatedRegion {
  readonly region: string;
  readonly ec2: EC2Client;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly rds: RDSClient;
  readonly #autoScaling: AutoScalingClient;
  readonly #iam: IAMClient;
  readonly #sts: STSClient;

  constructor({ port }: Pick<Emulator, "port">, region: string) {
    const config = {
      endpoint: `http://127.0.0.1:${port}`,
      region,
      maxAttempts: 1,
      // The emulator reads the scope and checks no signature.
      credentials: { accessKeyId: "GATEWAY", secretAccessKey: "GATEWAY" },
    };
    this.region = region;
    this.ec2 = new EC2Client(config);
    this.elb = new ElasticLoadBalancingV2Client(config);
    this.rds = new RDSClient(config);
    this.#autoScaling = new AutoScalingClient(config);
    this.#iam = new IAMClient(config);
    this.#sts = new STSClient(config);
    for (const client of [this.ec2, this.elb, this.#autoScaling, this.#iam, this.#sts]) markAsOwn(client);
  }

  async instances(): Promise<Instance[]> {
    const found: Instance[] = [];
    for await (const { Reservations } of paginateDescribeInstances({ client: this.ec2 }, {}))
      found.push(...(Reservations ?? []).flatMap(({ Instances }) => Instances ?? []));
    return found;
  }

  async volumes(): Promise<Volume[]> {
    const found: Volume[] = [];
    for await (const { Volumes } of paginateDescribeVolumes({ client: this.ec2 }, {}))
      found.push(...(Volumes ?? []));
    return found;
  }

  /** The snapshots that an image is made of; none of another account's. */
  async snapshotsOf(imageId: string): Promise<string[]> {
    const Filters = [{ Name: "image-id", Values: [imageId] }];
    const { Images } = await this.ec2.send(new DescribeImagesCommand({ Filters }));
    const devices = Images?.[0]?.BlockDeviceMappings ?? [];
    return devices.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);
  }

  async userData(instanceId: string): Promise<Buffer> {
    const asked = { InstanceId: instanceId, Attribute: "userData" as const };
    const { UserData } = await this.ec2.send(new DescribeInstanceAttributeCommand(asked));
    return Buffer.from(UserData?.Value ?? "", "base64");
  }

  /** What becomes of an instance that shuts itself down. */
  async shutdownBehavior(instanceId: string): Promise<"stop" | "terminate"> {
    const asked = { InstanceId: instanceId, Attribute: "instanceInitiatedShutdownBehavior" as const };
    const said = await this.ec2.send(new DescribeInstanceAttributeCommand(asked));
    return said.InstanceInitiatedShutdownBehavior?.Value === "terminate" ? "terminate" : "stop";
  }

  /** The instance's profile, by ARN or name; the emulator shows none for what Auto Scaling launched. */
  async profileOf({ IamInstanceProfile, Tags }: Instance): Promise<string | undefined> {
    if (IamInstanceProfile?.Arn !== undefined) return IamInstanceProfile.Arn;
    const tag = (key: string) => Tags?.find(({ Key }) => Key === key)?.Value;
    const group = tag("aws:autoscaling:groupName");
    const template = group === undefined ? undefined : await this.#templateOf(group);
    const LaunchTemplateId = template?.id ?? tag("aws:ec2launchtemplate:id");
    if (LaunchTemplateId === undefined) return undefined;
    const Versions = [template?.version ?? tag("aws:ec2launchtemplate:version") ?? "$Default"];
    const asked = new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions });
    const profile = (await this.ec2.send(asked)).LaunchTemplateVersions?.[0]?.LaunchTemplateData
      ?.IamInstanceProfile;
    return profile?.Arn ?? profile?.Name;
  }

  async roleOf(profile: string): Promise<ProfileRole | undefined> {
    const InstanceProfileName = profile.slice(profile.lastIndexOf("/") + 1);
    const asked = new GetInstanceProfileCommand({ InstanceProfileName });
    const { Arn, InstanceProfileId, Roles } = (await this.#iam.send(asked)).InstanceProfile!;
    const role = Roles?.[0];
    return role && { name: role.RoleName!, arn: role.Arn!, profileArn: Arn!, profileId: InstanceProfileId! };
  }

  /** As it was imported or made; the emulator may not know it. */
  async publicKey(keyName: string): Promise<string | undefined> {
    const asked = new DescribeKeyPairsCommand({ KeyNames: [keyName], IncludePublicKey: true });
    return (await this.ec2.send(asked)).KeyPairs?.[0]?.PublicKey;
  }

  async assume(roleArn: string, session: string): Promise<Credentials> {
    const asked = new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: session });
    return (await this.#sts.send(asked)).Credentials!;
  }

  async #templateOf(group: string): Promise<{ id: string; version: string | undefined } | undefined> {
    const asked = new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [group] });
    const found = (await this.#autoScaling.send(asked)).AutoScalingGroups?.[0];
    const template =
      found?.LaunchTemplate ?? found?.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;
    return template?.LaunchTemplateId === undefined
      ? undefined
      : { id: template.LaunchTemplateId, version: template.Version };
  }
}

function markAsOwn(client: unknown): void {
  (client as WithMiddleware).middlewareStack.add(
    (next) => (args) => {
      const [name, value] = ownCallHeader;
      args.request.headers[name] = value;
      return next(args as never);
    },
    { step: "build", name: "rekindleOwnCall" },
  );
}
