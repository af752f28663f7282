import { DescribeImagesCommand, RunInstancesCommand } from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
} from "@aws-sdk/client-iam";
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { HostFailure } from "../../bootstrap/collect/failure.ts";
import { bake } from "../../bootstrap/commands/bake.ts";
import { publish } from "../../bootstrap/commands/publish.ts";
import type { ShellOf } from "../../bootstrap/commands/snapshot-context.ts";
import { builderProfile, keyAlias, siteBucket, tags } from "../../bootstrap/config/names.ts";
import type { Place } from "../../bootstrap/config/places.ts";
import type { Topology } from "../../bootstrap/config/schema.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { type Cloud, connectCloud } from "../../bootstrap/edges/cloud.ts";
import type { Sandbox } from "../../bootstrap/edges/sandbox.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { type Recipe, recipeDigest } from "../../bootstrap/image/recipe.ts";
import { aFile, aRoleSource, primary } from "../builders.ts";
import { aCommit } from "../commit.ts";
import { noHistory } from "../fakes/no-history.ts";
import { clients } from "../sandbox/clients.ts";
import { aSigner } from "../signer.ts";

/** The emulated account as the foundation and the primary leave it, made by the SDK: Terraform takes a minute for it. */
export interface TestField {
  topology: Topology;
  cloud: Cloud;
  recipes: Record<string, Recipe>;
  lines: string[];
  /** What every command's context has. */
  shared: ReturnType<typeof sharedContext>;
}

const base = { ssmParameter: "/aws/service/debian/release/12/latest/amd64" };

function sharedContext(topology: Topology, cloud: Cloud, stopwatch: Stopwatch, lines: string[]) {
  const recipe = (name: string): Recipe => ({
    base,
    rootVolumeGiB: 8,
    packages: [name],
    files: [],
    bootScript: Buffer.from("#!/bin/sh\n"),
  });
  const recipes = Object.fromEntries(
    Object.keys(topology.environment.roles).map((role) => [role, recipe(role)]),
  );
  return {
    topology,
    account: cloud.account,
    commit: "a".repeat(40),
    recipes,
    sources: Object.fromEntries(
      Object.entries(recipes).map(([role, one]) => [
        role,
        aRoleSource({ tree: [aFile(`etc/${role}.conf`, role)], recipe: recipeDigest(one) }),
      ]),
    ),
    ...aSigner(),
    history: noHistory,
    repository: { describe: async () => aCommit },
    clock: systemClock,
    stopwatch,
    signal: new AbortController().signal,
    print: (line: string) => void lines.push(line),
    shellOf: noBodies,
    allowCrash: true,
  };
}

/** Of the account that the emulator plays, or of a role of a vault's. */
export async function credentialsIn(sandbox: Sandbox, { role, region }: Place) {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  if (role === undefined) return credentials;
  const sts = new STSClient({ endpoint: sandbox.endpoint, region, credentials });
  const asked = new AssumeRoleCommand({ RoleArn: role, RoleSessionName: "test" });
  const { AccessKeyId, SecretAccessKey, SessionToken } = (await sts.send(asked)).Credentials!;
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! };
}

/** As a sandbox without an engine answers for its servers. */
const noBodies: ShellOf = () => async () => {
  throw new HostFailure("refused", "it has no body");
};

export async function testField(sandbox: Sandbox, topology: Topology): Promise<TestField> {
  const stopwatch = new Stopwatch(systemClock);
  const lines: string[] = [];
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const cloud = connectCloud({ endpoint: sandbox.endpoint, credentials, stopwatch }, topology);
  for (const { place } of cloud.places) {
    const { region } = place;
    const own = await credentialsIn(sandbox, place);
    const { s3 } = clients(sandbox.endpoint, region, 30_000, own);
    const Bucket = siteBucket(topology.environment.name, place.account, region);
    await s3.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region as never } }),
    );
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
    const kms = new KMSClient({ endpoint: sandbox.endpoint, region, credentials: own });
    const key = await kms.send(new CreateKeyCommand({}));
    await kms.send(
      new CreateAliasCommand({
        AliasName: keyAlias(topology.environment.name),
        TargetKeyId: key.KeyMetadata!.KeyId!,
      }),
    );
  }
  const { iam } = clients(sandbox.endpoint, primary);
  const profile = builderProfile(topology.environment.name);
  await iam.send(new CreateRoleCommand({ RoleName: profile, AssumeRolePolicyDocument: "{}" }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: profile }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: profile, RoleName: profile }));
  const shared = sharedContext(topology, cloud, stopwatch, lines);
  return { topology, cloud, recipes: shared.recipes, lines, shared };
}

export function publishIn({ cloud, shared }: TestField, changes: Partial<typeof shared> = {}) {
  return publish({
    ...shared,
    ...changes,
    catalogs: cloud.catalogs,
  });
}

export function bakeIn(
  { cloud, shared }: TestField,
  changes: Partial<typeof shared & { builderLimitSeconds: number }> = {},
) {
  return bake({
    ...shared,
    builderLimitSeconds: 60,
    ...changes,
    places: cloud.places,
  });
}

/** A stateful server of the primary, with its data volumes attached at launch, as the stack does it. */
export async function launchDatabaseServer(
  sandbox: Sandbox,
  { topology, cloud }: TestField,
  devices = ["/dev/sdf", "/dev/sdg"],
  server = "db-0",
): Promise<void> {
  const { ec2 } = clients(sandbox.endpoint, primary);
  const ImageId = await cloud.primary.images.baseImage(base);
  const { Images } = await ec2.send(new DescribeImagesCommand({ ImageIds: [ImageId] }));
  const labels = {
    [tags.environment]: topology.environment.name,
    [tags.site]: "primary",
    [tags.role]: "db",
    [tags.server]: server,
  };
  await ec2.send(
    new RunInstancesCommand({
      ImageId,
      InstanceType: "t3.medium",
      MinCount: 1,
      MaxCount: 1,
      BlockDeviceMappings: [Images![0]!.RootDeviceName!, ...devices].map((DeviceName) => ({
        DeviceName,
        Ebs: { VolumeSize: 10 },
      })),
      TagSpecifications: [
        { ResourceType: "instance", Tags: Object.entries(labels).map(([Key, Value]) => ({ Key, Value })) },
      ],
    }),
  );
}
