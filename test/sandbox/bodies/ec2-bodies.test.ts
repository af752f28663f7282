import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  AutoScalingClient,
  CreateAutoScalingGroupCommand,
  SetDesiredCapacityCommand,
} from "@aws-sdk/client-auto-scaling";
import {
  CreateLaunchTemplateCommand,
  GetConsoleOutputCommand,
  RebootInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test, vi } from "vitest";
import { sandboxWithBodies } from "./gateway-with-bodies.ts";
import { launch, publicImage, stateOf } from "./launch.ts";

const { engine, sandbox, aws, notes } = sandboxWithBodies();

describe("an instance", () => {
  test("has a body as soon as it was launched, at its own address", async () => {
    const { ec2 } = aws();
    const { InstanceId, PrivateIpAddress } = await launch(ec2);
    expect(engine().running()).toEqual([InstanceId]);
    expect(engine().machine(InstanceId!).address).toBe(PrivateIpAddress);
  });

  test("keeps its root disk while it is stopped, and loses it when it is terminated", async () => {
    const { ec2 } = aws();
    const { InstanceId } = await launch(ec2);
    const InstanceIds = [InstanceId!];
    await writeFile(join(engine().machine(InstanceId!).root, "note"), "kept");
    await ec2.send(new StopInstancesCommand({ InstanceIds }));
    expect(engine().running()).toEqual([]);
    await ec2.send(new StartInstancesCommand({ InstanceIds }));
    expect(engine().running()).toEqual(InstanceIds);
    expect(engine().machines).toHaveLength(2);
    expect(engine().machines[1]!.root).toBe(engine().machines[0]!.root);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    expect(engine().running()).toEqual([]);
    expect([...engine().disks]).toEqual([]);
  });

  test("boots again when it is rebooted", async () => {
    const { ec2 } = aws();
    const { InstanceId } = await launch(ec2);
    await ec2.send(new RebootInstancesCommand({ InstanceIds: [InstanceId!] }));
    expect(engine().machines.map(({ running }) => running)).toEqual([false, true]);
  });

  test.for([
    ["stop", "stopped"],
    ["terminate", "terminated"],
  ] as const)("that shuts itself down and is to %s is %s", async ([behavior, state]) => {
    const { ec2 } = aws();
    const instance = await launch(ec2, { InstanceInitiatedShutdownBehavior: behavior });
    engine().machine(instance.InstanceId!).shutItselfDown();
    await vi.waitFor(async () => expect(await stateOf(ec2, instance)).toBe(state));
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance.InstanceId!] }));
    expect(engine().machines).toHaveLength(1);
  });

  test("says on its console what the machine said, the last 64 KiB of it", async () => {
    const { ec2 } = aws();
    const { InstanceId } = await launch(ec2);
    const output = async () => {
      const { Output } = await ec2.send(new GetConsoleOutputCommand({ InstanceId: InstanceId! }));
      return Buffer.from(Output ?? "", "base64").toString();
    };
    expect(await output()).toBe(`${InstanceId} boots\n`);
    await writeFile(engine().machine(InstanceId!).consoleFile, `${"x".repeat(70_000)}\nlast words\n`);
    expect(await output()).toHaveLength(64 * 1024);
    expect(await output()).toMatch(/last words\n$/);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId!] }));
    expect(await output()).toMatch(/last words\n$/);
  });

  test("that no body could be given ends, and the call says why", async () => {
    const { ec2 } = aws();
    engine().bootFails = new Error("no space left on device");
    await expect(launch(ec2)).rejects.toMatchObject({
      name: "InternalError",
      message: expect.stringContaining("no space left on device"),
    });
    engine().bootFails = undefined;
    const instance = await launch(ec2);
    expect(engine().running()).toEqual([instance.InstanceId]);
    expect(engine().disks.size).toBe(1);
  });

  test("that no body could be given again stays stopped, with its disk", async () => {
    const { ec2 } = aws();
    const instance = await launch(ec2);
    const InstanceIds = [instance.InstanceId!];
    await ec2.send(new StopInstancesCommand({ InstanceIds }));
    engine().bootFails = new Error("no loop device is free");
    await expect(ec2.send(new StartInstancesCommand({ InstanceIds }))).rejects.toThrow(
      "no loop device is free",
    );
    expect(await stateOf(ec2, instance)).toBe("stopped");
    expect(engine().disks.size).toBe(1);
  });
});

test("launches at the same time give every instance one body", async () => {
  const { ec2 } = aws();
  const launches = Array.from({ length: 5 }, () => launch(ec2, { MaxCount: 2, MinCount: 2 }));
  await Promise.all(launches);
  expect(engine().running()).toHaveLength(10);
  expect(new Set(engine().running()).size).toBe(10);
});

test("what Auto Scaling starts and ends has bodies too", async () => {
  const { ec2 } = aws();
  const autoScaling = new AutoScalingClient({
    endpoint: sandbox().endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const LaunchTemplateData = { ImageId: publicImage, InstanceType: "t3.micro" as const };
  await ec2.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: "web", LaunchTemplateData }));
  const AutoScalingGroupName = "web";
  await autoScaling.send(
    new CreateAutoScalingGroupCommand({
      AutoScalingGroupName,
      MinSize: 0,
      MaxSize: 3,
      DesiredCapacity: 3,
      AvailabilityZones: ["eu-west-1a"],
      LaunchTemplate: { LaunchTemplateName: "web", Version: "$Latest" },
    }),
  );
  expect(engine().running()).toHaveLength(3);
  await autoScaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName, DesiredCapacity: 1 }));
  expect(engine().running()).toHaveLength(1);
});

describe("a region that is cut off", () => {
  test("loses its bodies at once, and boots them again from their disks when it comes back", async () => {
    const there = aws("eu-west-1").ec2;
    const elsewhere = aws("eu-central-1").ec2;
    const lost = await launch(there);
    const other = await launch(elsewhere);
    await sandbox().loseRegion("eu-west-1", "refused");
    expect(engine().running()).toEqual([other.InstanceId]);
    await launch(elsewhere);
    expect(engine().running()).not.toContain(lost.InstanceId);
    await sandbox().restoreRegion("eu-west-1");
    expect(await stateOf(there, lost)).toBe("running");
    expect(engine().running()).toContain(lost.InstanceId);
    const [first, second] = engine().machines.filter(({ id }) => id === lost.InstanceId);
    expect(second!.root).toBe(first!.root);
  });
});

test("the sandbox says which engine runs, and what that does not prove", async () => {
  const { engine, limits } = await sandbox().status();
  expect(engine).toBe("box");
  expect(limits).toContain("engine box: nothing boots: this is a test's fake");
  expect(limits.join()).not.toContain("instances have no bodies");
});

test("builders have bodies: there is no outcome to choose for them", async () => {
  await expect(sandbox().setBuilders("fails")).rejects.toThrow("builders have bodies here");
});

test("a reset leaves no body and no disk", async () => {
  const { ec2 } = aws();
  await launch(ec2, { MinCount: 2, MaxCount: 2 });
  await sandbox().reset();
  expect(engine().running()).toEqual([]);
  expect([...engine().disks]).toEqual([]);
  expect(notes.join("\n")).not.toContain("could not be followed");
});
