import { type Instance, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import {
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  SendCommandCommand,
  type SendCommandCommandInput,
} from "@aws-sdk/client-ssm";
import { describe, expect, test, vi } from "vitest";
import { sandboxWithBodies } from "./gateway-with-bodies.ts";
import { launch } from "./launch.ts";

const { aws } = sandboxWithBodies();

async function send(input: Partial<SendCommandCommandInput>, ...commands: string[]): Promise<string> {
  const { Command } = await aws().ssm.send(
    new SendCommandCommand({ DocumentName: "AWS-RunShellScript", Parameters: { commands }, ...input }),
  );
  return Command!.CommandId!;
}

async function outcome(CommandId: string, { InstanceId }: Instance) {
  return await vi.waitFor(
    async () => {
      const asked = { CommandId, InstanceId: InstanceId! };
      const said = await aws().ssm.send(new GetCommandInvocationCommand(asked));
      expect(said.Status).not.toBe("InProgress");
      return said;
    },
    { timeout: 10_000 },
  );
}

describe("a command", () => {
  test("runs in the body, and tells its output and exit code", async () => {
    const instance = await launch(aws().ec2);
    const InstanceIds = [instance.InstanceId!];
    const fine = await outcome(await send({ InstanceIds }, "echo kept >note", "cat note"), instance);
    expect(fine).toMatchObject({ Status: "Success", ResponseCode: 0, StandardOutputContent: "kept\n" });
    const failed = await outcome(await send({ InstanceIds }, "cat note missing", "exit 7"), instance);
    expect(failed).toMatchObject({ Status: "Failed", ResponseCode: 7, StandardOutputContent: "kept\n" });
    expect(failed.StandardErrorContent).toContain("missing");
  });

  test("is kept to its time", async () => {
    const instance = await launch(aws().ec2);
    const Parameters = { commands: ["echo begun; exec sleep 30"], executionTimeout: ["1"] };
    const id = await send({ InstanceIds: [instance.InstanceId!], Parameters });
    expect(await outcome(id, instance)).toMatchObject({
      Status: "TimedOut",
      StandardOutputContent: "begun\n",
    });
  });

  test("shows as much of its output as SSM would", async () => {
    const instance = await launch(aws().ec2);
    const id = await send({ InstanceIds: [instance.InstanceId!] }, "yes | head -n 20000");
    const { StandardOutputContent } = await outcome(id, instance);
    expect(StandardOutputContent).toHaveLength(24_000);
    expect(StandardOutputContent).toMatch(/---Output truncated---$/);
  });

  test("runs where it is told to", async () => {
    const instance = await launch(aws().ec2);
    const Parameters = { commands: ["pwd"], workingDirectory: ["/tmp"] };
    const id = await send({ InstanceIds: [instance.InstanceId!], Parameters });
    expect((await outcome(id, instance)).StandardOutputContent).toBe("/tmp\n");
  });

  test("reaches all instances with a tag, and is listed with them", async () => {
    const { ec2, ssm } = aws();
    const tagged = [{ ResourceType: "instance" as const, Tags: [{ Key: "role", Value: "web" }] }];
    const one = await launch(ec2, { TagSpecifications: tagged });
    const other = await launch(ec2, { TagSpecifications: tagged });
    await launch(ec2);
    const CommandId = await send({ Targets: [{ Key: "tag:role", Values: ["web"] }] }, "true");
    await outcome(CommandId, one);
    await outcome(CommandId, other);
    const { Commands } = await ssm.send(new ListCommandsCommand({ CommandId }));
    expect(Commands).toMatchObject([{ Status: "Success", TargetCount: 2, CompletedCount: 2 }]);
    const { CommandInvocations } = await ssm.send(new ListCommandInvocationsCommand({ CommandId }));
    expect(CommandInvocations!.map(({ InstanceId }) => InstanceId).sort()).toEqual(
      [one.InstanceId, other.InstanceId].sort(),
    );
  });

  test("ends with its instance", async () => {
    const { ec2 } = aws();
    const instance = await launch(ec2);
    const id = await send({ InstanceIds: [instance.InstanceId!] }, "exec sleep 3");
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance.InstanceId!] }));
    const { Status, StandardErrorContent } = await outcome(id, instance);
    expect(Status).toBe("Failed");
    expect(StandardErrorContent).toContain("stopped before the command had ended");
  });

  test("is refused for an instance that does not run, without commands, and with a time that is none", async () => {
    const instance = await launch(aws().ec2);
    const InstanceIds = [instance.InstanceId!];
    await expect(send({ InstanceIds: ["i-0123456789abcdef0"] }, "true")).rejects.toMatchObject({
      name: "InvalidInstanceId",
    });
    await expect(send({ InstanceIds })).rejects.toMatchObject({ name: "InvalidParameters" });
    const Parameters = { commands: ["true"], executionTimeout: ["soon"] };
    await expect(send({ InstanceIds, Parameters })).rejects.toThrow("executionTimeout");
  });
});

test("the managed instances are those that run, of the region that is asked", async () => {
  const { ec2, ssm } = aws();
  const instance = await launch(ec2);
  const ended = await launch(ec2);
  await launch(aws("eu-central-1").ec2);
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [ended.InstanceId!] }));
  const { InstanceInformationList } = await ssm.send(new DescribeInstanceInformationCommand({}));
  expect(InstanceInformationList).toMatchObject([{ InstanceId: instance.InstanceId, PingStatus: "Online" }]);
  const Filters = [{ Key: "InstanceIds", Values: ["i-0123456789abcdef0"] }];
  const none = await ssm.send(new DescribeInstanceInformationCommand({ Filters }));
  expect(none.InstanceInformationList).toEqual([]);
});
