import {
  CopyImageCommand,
  CreateImageCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  EC2Client,
  GetConsoleOutputCommand,
  type Image,
  ModifyImageAttributeCommand,
  ModifySnapshotAttributeCommand,
  paginateDescribeInstances,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { encodeUserData } from "../../../cloud-init/user-data.ts";
import type { BaseImage } from "../../config/schema.ts";
import { RekindleError } from "../../errors.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** What an image's state means to whoever waits for it. */
export type ImageState = "available" | "pending" | "missing" | { kind: "failed"; reason: string };

/** Images and the builders that they are made from, in one region. No operation waits: callers do. */
export interface ImageFactory {
  readonly region: string;
  /** Resolves a recipe's base image: an SSM parameter's value, or the newest image of an owner by name. */
  baseImage(base: BaseImage): Promise<string>;
  launchBuilder(builder: BuilderRequest): Promise<string>;
  /** Builders with these tags that are not ended. */
  builders(tags: Record<string, string>): Promise<string[]>;
  builderState(instanceId: string): Promise<string>;
  console(instanceId: string): Promise<string>;
  terminate(instanceId: string): Promise<void>;
  createImage(instanceId: string, name: string, taking?: Taking): Promise<string>;
  /** This account's image of that name, whatever its state. */
  imageNamed(name: string): Promise<{ imageId: string; tags: Record<string, string> } | undefined>;
  /** Lets another account copy an image of this one. */
  share(imageId: string, account: string): Promise<void>;
  /** Copies an image of another region or account into this one, encrypted with this place's key. */
  copyImage(
    source: { region: string; imageId: string },
    name: string,
    encryptionKey: string,
  ): Promise<string>;
  /** Tags an image and the snapshots that it shows; a pending image may show none yet. */
  tag(imageId: string, tags: Record<string, string>): Promise<void>;
  state(imageId: string): Promise<ImageState>;
  /** Removes an image and its snapshots; one that is gone already is fine. */
  remove(imageId: string): Promise<void>;
}

/** How an image of a server that is somebody's is taken. */
export interface Taking {
  /** Shuts the server down meanwhile, so that its file systems are whole. */
  reboot: boolean;
  /** Devices that stay out of the image. */
  without: readonly string[];
  /** On the image from its first moment on. */
  tags: Record<string, string>;
}

export interface BuilderRequest {
  baseImageId: string;
  instanceType: string;
  userData: string;
  rootVolumeGiB: number;
  instanceProfile: string;
  encryptionKey: string;
  tags: Record<string, string>;
}

export function ec2Images(access: AwsAccess, region: string): ImageFactory {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  const ssm = connected(new SSMClient(clientConfig(access, region)), access, region);

  async function describe(imageId: string): Promise<Image | undefined> {
    try {
      return (await ec2.send(new DescribeImagesCommand({ ImageIds: [imageId] }))).Images?.[0];
    } catch (error) {
      if (errorCode(error).startsWith("InvalidAMIID.")) return undefined;
      throw error;
    }
  }

  async function rootDevice(imageId: string): Promise<string> {
    const image = await describe(imageId);
    if (image === undefined)
      throw new RekindleError(
        "bad-input",
        `${region} has no image ${imageId}; correct the role's image.base`,
      );
    return image.RootDeviceName ?? "/dev/xvda";
  }

  return {
    region,
    baseImage: (base) =>
      "ssmParameter" in base
        ? baseByParameter(ssm, base.ssmParameter, region)
        : baseByName(ec2, base, region),
    async launchBuilder(builder) {
      const launched = await ec2.send(
        new RunInstancesCommand({
          ImageId: builder.baseImageId,
          InstanceType: builder.instanceType as never,
          MinCount: 1,
          MaxCount: 1,
          UserData: Buffer.from(encodeUserData(builder.userData)).toString("base64"),
          // The builder ends by powering itself off; stopped, not terminated, so that it can become an image.
          InstanceInitiatedShutdownBehavior: "stop",
          IamInstanceProfile: { Name: builder.instanceProfile },
          MetadataOptions: { HttpTokens: "required" },
          BlockDeviceMappings: [
            {
              DeviceName: await rootDevice(builder.baseImageId),
              Ebs: {
                VolumeSize: builder.rootVolumeGiB,
                VolumeType: "gp3",
                Encrypted: true,
                KmsKeyId: builder.encryptionKey,
                DeleteOnTermination: true,
              },
            },
          ],
          TagSpecifications: (["instance", "volume"] as const).map((ResourceType) => ({
            ResourceType,
            Tags: tagList(builder.tags),
          })),
        }),
      );
      return launched.Instances![0]!.InstanceId!;
    },
    async builders(tags) {
      const Filters = [
        ...Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] })),
        { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
      ];
      const found: string[] = [];
      for await (const { Reservations } of paginateDescribeInstances({ client: ec2 }, { Filters }))
        for (const { Instances } of Reservations ?? [])
          found.push(...(Instances ?? []).map(({ InstanceId }) => InstanceId!));
      return found;
    },
    async builderState(instanceId) {
      const found = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
      return found.Reservations?.[0]?.Instances?.[0]?.State?.Name ?? "unknown";
    },
    async console(instanceId) {
      const output = await ec2.send(new GetConsoleOutputCommand({ InstanceId: instanceId }));
      return Buffer.from(output.Output ?? "", "base64").toString();
    },
    async terminate(instanceId) {
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
    },
    async createImage(instanceId, name, taking) {
      const asked = { InstanceId: instanceId, Name: name };
      if (taking === undefined) return (await ec2.send(new CreateImageCommand(asked))).ImageId!;
      const created = await ec2.send(
        new CreateImageCommand({
          ...asked,
          NoReboot: !taking.reboot,
          BlockDeviceMappings: taking.without.map((DeviceName) => ({ DeviceName, NoDevice: "" })),
          TagSpecifications: [{ ResourceType: "image", Tags: tagList(taking.tags) }],
        }),
      );
      return created.ImageId!;
    },
    async imageNamed(name) {
      const Filters = [{ Name: "name", Values: [name] }];
      const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ["self"], Filters }));
      const image = Images?.[0];
      if (image === undefined) return undefined;
      const tags = (image.Tags ?? []).map(({ Key, Value }) => [Key!, Value ?? ""]);
      return { imageId: image.ImageId!, tags: Object.fromEntries(tags) };
    },
    async share(imageId, account) {
      const add = { Add: [{ UserId: account }] };
      await ec2.send(new ModifyImageAttributeCommand({ ImageId: imageId, LaunchPermission: add }));
      // An image can be copied by whoever may read its snapshots, too.
      for (const SnapshotId of snapshotsOf(await describe(imageId))) {
        await ec2.send(
          new ModifySnapshotAttributeCommand({
            SnapshotId,
            Attribute: "createVolumePermission",
            OperationType: "add",
            UserIds: [account],
          }),
        );
      }
    },
    async copyImage(source, name, encryptionKey) {
      const copied = await ec2.send(
        new CopyImageCommand({
          SourceRegion: source.region,
          SourceImageId: source.imageId,
          Name: name,
          Encrypted: true,
          KmsKeyId: encryptionKey,
        }),
      );
      return copied.ImageId!;
    },
    async tag(imageId, tags) {
      const Resources = [imageId, ...snapshotsOf(await describe(imageId))];
      await ec2.send(new CreateTagsCommand({ Resources, Tags: tagList(tags) }));
    },
    async state(imageId) {
      const image = await describe(imageId);
      if (image === undefined) return "missing";
      if (image.State === "available" || image.State === "pending") return image.State;
      return { kind: "failed", reason: image.StateReason?.Message ?? `image ${imageId} is ${image.State}` };
    },
    async remove(imageId) {
      const image = await describe(imageId);
      if (image === undefined) return;
      await ec2.send(new DeregisterImageCommand({ ImageId: imageId }));
      for (const SnapshotId of snapshotsOf(image)) await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    },
  };
}

function snapshotsOf(image: Image | undefined): string[] {
  return (image?.BlockDeviceMappings ?? []).flatMap(({ Ebs }) =>
    Ebs?.SnapshotId === undefined ? [] : [Ebs.SnapshotId],
  );
}

export function tagList(tags: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

async function baseByParameter(ssm: SSMClient, name: string, region: string): Promise<string> {
  try {
    return (await ssm.send(new GetParameterCommand({ Name: name }))).Parameter!.Value!;
  } catch (error) {
    if (errorCode(error) !== "ParameterNotFound") throw error;
    throw new RekindleError(
      "bad-input",
      `${region} has no public parameter ${name}; correct the role's image.base.ssmParameter`,
      {
        cause: error,
      },
    );
  }
}

async function baseByName(
  ec2: EC2Client,
  base: Extract<BaseImage, { owner: string }>,
  region: string,
): Promise<string> {
  const found = await ec2.send(
    new DescribeImagesCommand({
      Owners: [base.owner],
      Filters: [
        { Name: "name", Values: [base.name] },
        { Name: "state", Values: ["available"] },
      ],
    }),
  );
  const newest = (found.Images ?? []).sort((a, b) =>
    (b.CreationDate ?? "").localeCompare(a.CreationDate ?? ""),
  )[0];
  if (newest?.ImageId !== undefined) return newest.ImageId;
  throw new RekindleError(
    "bad-input",
    `${region} has no image of owner ${base.owner} named ${base.name}; correct the role's image.base`,
  );
}
