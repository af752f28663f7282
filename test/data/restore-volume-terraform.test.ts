import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeImagesCommand,
  DescribeSubnetsCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { allOf, volumeMoves } from "../../bootstrap/commands/volume-moves.ts";
import { ebsVolumes } from "../../bootstrap/edges/aws/volumes.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { type Arguments, type StackName, type Synthesized, shop, synthesize } from "../stacks/builder.ts";
import { terraformOn } from "../stacks/terraform.ts";

const sandbox = runningSandbox();
const regions = { "primary-stack": "eu-central-1", "recovery-stack": "eu-west-1" } as const;
const keys = { accessKeyId: "test", secretAccessKey: "test" };

/** What a stack says of its server with data, in a network that is there already. */
function serverOf(stack: Synthesized, snapshots: readonly string[], place: Arguments): Synthesized {
  const found = Object.entries(stack.resource.aws_instance!).find(
    ([, one]) => one.ebs_block_device.length > 0,
  )!;
  const [address, { depends_on: _order, vpc_security_group_ids: _groups, ...own }] = found as [
    string,
    Arguments,
  ];
  const server: Arguments = { ...own, ...place };
  delete server.private_ip;
  delete server.iam_instance_profile;
  server.ebs_block_device = server.ebs_block_device.map((device: Arguments, index: number) => ({
    ...device,
    ...(device.snapshot_id === undefined ? {} : { snapshot_id: snapshots[index] }),
  }));
  const [, trigger] = /terraform_data\.([\w-]+)/.exec(server.lifecycle.replace_triggered_by?.[0] ?? "") ?? [];
  const data =
    trigger === undefined ? {} : { terraform_data: { [trigger]: { triggers_replace: snapshots } } };
  const { terraform, provider } = stack;
  return { terraform, provider, resource: { aws_instance: { [address]: server }, ...data } };
}

describe("a deployment after a server's volumes were replaced", () => {
  it.each<[StackName & keyof typeof regions, string]>([
    ["primary-stack", "whose volumes were empty at first"],
    ["recovery-stack", "which was restored"],
  ])("of %s, %s, leaves the server as it is", { timeout: 240_000 }, async (name) => {
    const region = regions[name];
    const { ec2 } = clients(sandbox().endpoint, region);
    const zone = `${region}a`;
    const aSnapshot = async () => {
      const volume = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: zone, Size: 20 }));
      return (await ec2.send(new CreateSnapshotCommand({ VolumeId: volume.VolumeId! }))).SnapshotId!;
    };
    const first = [await aSnapshot(), await aSnapshot()];
    const second = [await aSnapshot(), await aSnapshot()];
    const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ["amazon"] }));
    const { Subnets } = await ec2.send(
      new DescribeSubnetsCommand({ Filters: [{ Name: "availability-zone", Values: [zone] }] }),
    );
    const place = { ami: Images![0]!.ImageId!, subnet_id: Subnets![0]!.SubnetId! };
    const stack = synthesize(shop())[name];
    const terraform = await terraformOn(serverOf(stack, first, place), {
      AWS_ENDPOINT_URL: sandbox().endpoint,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    });
    const applied = await terraform("apply", "-auto-approve", "-input=false");
    expect(applied.output).toContain("Apply complete!");

    const stopwatch = new Stopwatch(systemClock);
    const volumes = ebsVolumes({ endpoint: sandbox().endpoint, credentials: keys, stopwatch }, region);
    const patience = { clock: systemClock, stopwatch, signal: new AbortController().signal };
    const moves = volumeMoves(volumes, patience);
    const [server] = await volumes.servers("shop", "db-0");
    const present = (await volumes.of("shop", server!)).filter(
      ({ tags }) => tags["rekindle:volume"] !== undefined,
    );
    expect(present).toHaveLength(2);
    await allOf(
      present.map((volume, index) => ({ volume, index })),
      async ({ volume, index }) => {
        const { id, state: _state, tags, attachment, ...shape } = volume;
        const made = await volumes.create(second[index]!, shape, tags);
        await moves.detach(id);
        await moves.attach(made, attachment!.instance, attachment!.device);
      },
    );
    const later = await terraform("plan", "-input=false");
    expect(later.output).toContain("No changes.");

    if (name === "primary-stack") return;
    // It is what the stack says of them that spares it.
    const strict = serverOf(stack, first, place);
    for (const server of Object.values(strict.resource.aws_instance!)) server.lifecycle.ignore_changes.pop();
    await terraform.rewrite(strict);
    expect((await terraform("plan", "-input=false")).output).toContain("must be replaced");

    await terraform.rewrite(serverOf(stack, second, place));
    const another = await terraform("plan", "-input=false");
    expect(another.output).toMatch(
      /aws_instance\.\S+ will be replaced due to changes in replace_triggered_by/,
    );
  });
});
