import {
  DescribeInstancesCommand,
  type EC2Client,
  type Instance,
  RunInstancesCommand,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";

/** As good as any: an image that was not made in the sandbox is its base. */
export const publicImage = "ami-0123456789abcdef0";

/** One instance, from the base unless another image is named. */
export async function launch(
  ec2: EC2Client,
  input: Partial<RunInstancesCommandInput> = {},
): Promise<Instance> {
  const wanted = { ImageId: publicImage, MinCount: 1, MaxCount: 1, ...input };
  return (await ec2.send(new RunInstancesCommand(wanted))).Instances![0]!;
}

export async function stateOf(ec2: EC2Client, { InstanceId }: Instance): Promise<string | undefined> {
  const found = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [InstanceId!] }));
  return found.Reservations?.[0]?.Instances?.[0]?.State?.Name;
}
