import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AttachVolumeCommand,
  CopySnapshotCommand,
  CreateImageCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DetachVolumeCommand,
  type EC2Client,
  GetConsoleOutputCommand,
  type Instance,
  type RunInstancesCommandInput,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
} from "@aws-sdk/client-iam";
import { GetCommandInvocationCommand, SendCommandCommand } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Sandbox } from "../../bootstrap/edges/sandbox.ts";
import { launch } from "../sandbox/bodies/launch.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";
import { clients } from "../sandbox/clients.ts";
import { startBoxSandbox } from "./box-sandbox.ts";

const region = "eu-west-1";
const away = "eu-central-1";
const bootLimitMs = 120_000;

const lacking = lackingForBox();

/** Serves its own disk's folder, with the instance's id in the page, and says when it is done. */
const webServer = `#cloud-config
write_files:
  - { path: /srv/www/healthz, content: "ok" }
runcmd:
  - cloud-init query v1.instance_id >/srv/www/index.html
  - [sh, -c, "cd /srv/www && setsid python3 -m http.server 80 </dev/null >/dev/null 2>&1 &"]
  - echo user-data has run >/dev/console
`;

describe.skipIf(lacking !== undefined)("instances with bodies of the engine box", () => {
  let folder = "";
  let sandbox: Sandbox;
  let before: string[] = [];
  const aws = (there = region) => clients(sandbox.endpoint, there, 60_000);

  beforeAll(async () => {
    before = leftBehind();
    folder = await mkdtemp(join(tmpdir(), "rekindle-real-bodies-"));
    sandbox = await startBoxSandbox(folder);
  }, 900_000);

  afterAll(async () => {
    await sandbox?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function consoleOf(ec2: EC2Client, { InstanceId }: Instance): Promise<string> {
    const { Output } = await ec2.send(new GetConsoleOutputCommand({ InstanceId: InstanceId! }));
    return Buffer.from(Output ?? "", "base64").toString();
  }

  /** Resolves when the user-data has run. */
  async function booted(ec2: EC2Client, userData: string, input: Partial<RunInstancesCommandInput> = {}) {
    const instance = await launch(ec2, { ...input, UserData: Buffer.from(userData).toString("base64") });
    await vi.waitFor(async () => expect(await consoleOf(ec2, instance)).toContain("user-data has run"), {
      timeout: bootLimitMs,
      interval: 250,
    });
    return instance;
  }

  /** A shell's lines in the body, by SSM Run Command. */
  async function ssm({ InstanceId }: Instance, script: string, there = region) {
    const client = aws(there).ssm;
    const { Command } = await client.send(
      new SendCommandCommand({
        DocumentName: "AWS-RunShellScript",
        InstanceIds: [InstanceId!],
        Parameters: { commands: [script] },
      }),
    );
    const asked = { CommandId: Command!.CommandId!, InstanceId: InstanceId! };
    return await vi.waitFor(
      async () => {
        const said = await client.send(new GetCommandInvocationCommand(asked));
        expect(said.Status).not.toBe("InProgress");
        return said;
      },
      { timeout: 30_000, interval: 100 },
    );
  }

  async function shell(instance: Instance, script: string, there = region): Promise<string> {
    const said = await ssm(instance, script, there);
    expect(said).toMatchObject({ ResponseCode: 0 });
    return said.StandardOutputContent!.trim();
  }

  const quick = "#cloud-config\nruncmd: [echo user-data has run >/dev/console]\n";

  test("boot their user-data, serve pages through a load balancer, and are told apart when they fail", async () => {
    const { ec2, elb } = aws();
    const web = await booted(ec2, webServer);
    await vi.waitFor(
      async () => expect(await consoleOf(ec2, web)).toMatch(/Cloud-init v\. .* Datasource DataSourceEc2/),
      { timeout: 20_000, interval: 250 },
    );
    const { TargetGroups } = await elb.send(
      new CreateTargetGroupCommand({
        Name: "web",
        Protocol: "HTTP",
        Port: 80,
        VpcId: web.VpcId!,
        HealthCheckPath: "/healthz",
      }),
    );
    const TargetGroupArn = TargetGroups![0]!.TargetGroupArn!;
    await elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: web.InstanceId! }] }));
    const { LoadBalancers } = await elb.send(
      new CreateLoadBalancerCommand({ Name: "web", Subnets: [web.SubnetId!] }),
    );
    await elb.send(
      new CreateListenerCommand({
        LoadBalancerArn: LoadBalancers![0]!.LoadBalancerArn!,
        Protocol: "HTTP",
        Port: 80,
        DefaultActions: [{ Type: "forward", TargetGroupArn }],
      }),
    );
    const health = async () => {
      const said = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }));
      return said.TargetHealthDescriptions![0]!.TargetHealth!.State;
    };
    expect(await health()).toBe("healthy");
    const { address } = (await sandbox.listeners())[0]!;
    const page = await fetch(`http://${address}/`);
    expect((await page.text()).trim()).toBe(web.InstanceId);

    await shell(web, "rm /srv/www/healthz");
    expect(await health()).toBe("unhealthy");
    await sandbox.loseRegion(region, "refused");
    await expect(fetch(`http://${address}/`)).rejects.toThrow();
    await sandbox.restoreRegion(region);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [web.InstanceId!] }));
  });

  test("have the credentials of their role, and run SSM's commands with their own exit codes", async () => {
    const { ec2, iam } = aws();
    const RoleName = "server";
    const trust = JSON.stringify({ Version: "2012-10-17", Statement: [] });
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust }));
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "server" }));
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: "server", RoleName }));
    const server = await booted(ec2, quick, { IamInstanceProfile: { Name: "server" } });
    const credentials = await shell(
      server,
      [
        "md=http://169.254.169.254/latest",
        'token=$(curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" $md/api/token)',
        'curl -sf -H "X-aws-ec2-metadata-token: $token" $md/meta-data/iam/security-credentials/server',
      ].join("\n"),
    );
    expect(JSON.parse(credentials)).toMatchObject({ Code: "Success", Type: "AWS-HMAC" });
    const v1 = "curl -so /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/";
    expect(await shell(server, v1)).toBe("401");
    expect(await ssm(server, "echo out; echo err >&2; exit 7")).toMatchObject({
      Status: "Failed",
      ResponseCode: 7,
      StandardOutputContent: "out\n",
      StandardErrorContent: "err\n",
    });
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [server.InstanceId!] }));
  });

  test("bake: a builder that powers itself off becomes an image, and what starts from it has what it installed", async () => {
    const { ec2 } = aws();
    const builder = await launch(ec2, {
      UserData: Buffer.from(
        "#cloud-config\nruncmd: [echo golden >/etc/baked, echo baked >/dev/console, poweroff]\n",
      ).toString("base64"),
    });
    const InstanceIds = [builder.InstanceId!];
    await vi.waitFor(
      async () => {
        const found = await ec2.send(new DescribeInstancesCommand({ InstanceIds }));
        expect(found.Reservations![0]!.Instances![0]!.State!.Name).toBe("stopped");
      },
      { timeout: bootLimitMs, interval: 250 },
    );
    expect(await consoleOf(ec2, builder)).toContain("baked");
    const made = await ec2.send(new CreateImageCommand({ InstanceId: builder.InstanceId!, Name: "golden" }));
    const ImageId = made.ImageId!;
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    const server = await booted(ec2, quick, { ImageId });
    expect(await shell(server, "cat /etc/baked")).toBe("golden");
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [server.InstanceId!] }));
    const { Images } = await ec2.send(new DescribeImagesCommand({ ImageIds: [ImageId] }));
    await ec2.send(new DeregisterImageCommand({ ImageId }));
    const SnapshotId = Images![0]!.BlockDeviceMappings![0]!.Ebs!.SnapshotId!;
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
  });

  test("lose their volume's region, and find its last snapshot's file in another one", async () => {
    const { ec2 } = aws();
    const recovery = aws(away).ec2;
    const server = await booted(ec2, quick);
    const AvailabilityZone = `${region}a`;
    const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone, Size: 1 }));
    const attachment = { InstanceId: server.InstanceId!, VolumeId: VolumeId!, Device: "/dev/sdf" };
    await ec2.send(new AttachVolumeCommand(attachment));
    await shell(server, "mkfs.ext4 -q /dev/sdf && mount /dev/sdf /mnt && echo first >/mnt/row && sync");
    const { SnapshotId } = await ec2.send(new CreateSnapshotCommand({ VolumeId: VolumeId! }));
    const source = { SourceRegion: region, SourceSnapshotId: SnapshotId! };
    const copied = (await recovery.send(new CopySnapshotCommand(source))).SnapshotId!;
    await shell(server, "echo second >/mnt/row && sync");
    await expect(ec2.send(new DetachVolumeCommand(attachment))).rejects.toMatchObject({
      name: "IncorrectState",
    });
    await shell(server, "umount /mnt");
    await ec2.send(new DetachVolumeCommand(attachment));
    await sandbox.loseRegion(region, "refused");

    const rebuilt = await booted(recovery, quick, {
      BlockDeviceMappings: [{ DeviceName: "/dev/sdf", Ebs: { SnapshotId: copied } }],
    });
    expect(await shell(rebuilt, "mount /dev/sdf /mnt && cat /mnt/row", away)).toBe("first");
    const InstanceIds = [rebuilt.InstanceId!];
    const { Reservations } = await recovery.send(new DescribeInstancesCommand({ InstanceIds }));
    const data = Reservations![0]!.Instances![0]!.BlockDeviceMappings!.find(
      ({ DeviceName }) => DeviceName === "/dev/sdf",
    )!.Ebs!.VolumeId!;
    await recovery.send(new TerminateInstancesCommand({ InstanceIds }));
    await recovery.send(new DeleteVolumeCommand({ VolumeId: data })).catch(() => undefined);
    await recovery.send(new DeleteSnapshotCommand({ SnapshotId: copied }));

    await sandbox.restoreRegion(region);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [server.InstanceId!] }));
    await ec2.send(new DeleteVolumeCommand({ VolumeId: VolumeId! }));
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId: SnapshotId! }));
  });

  test("that were all terminated leave no disk and no device", async () => {
    const found = spawnSync("find", [
      ...[region, away].flatMap((name) =>
        ["roots", "volumes", "snapshots"].map((kind) => join(folder, "disks", name, kind)),
      ),
      ...["-mindepth", "1", "-maxdepth", "1"],
    ]);
    expect(found.stdout.toString()).toBe("");
    expect(leftBehind()).toEqual(before);
    expect(await readFile(join(folder, "gateway.log"), "utf8")).not.toContain("could not be followed");
  });

  test("boot with user-data that is none, empty, or no cloud-config, and say so", async () => {
    const { ec2 } = aws();
    const given = { nothing: undefined, empty: "", "no cloud-config": "just some words\n" };
    const launched = await Promise.all(
      Object.values(given).map((text) =>
        launch(ec2, text === undefined ? {} : { UserData: Buffer.from(text).toString("base64") }),
      ),
    );
    for (const server of launched)
      await vi.waitFor(async () => expect(await consoleOf(ec2, server)).toContain("box: is up"), {
        timeout: bootLimitMs,
        interval: 500,
      });
    expect(await consoleOf(ec2, launched[2]!)).toMatch(/Unhandled non-multipart .*userdata.*just some words/);
    const InstanceIds = launched.map(({ InstanceId }) => InstanceId!);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
  });

  test("whose user-data loops for ever run on, are ended like any other, and leave their console", async () => {
    const { ec2 } = aws();
    const endless = "#!/bin/sh\nwhile :; do echo still at it >/dev/console; sleep 1; done\n";
    const server = await launch(ec2, { UserData: Buffer.from(endless).toString("base64") });
    await vi.waitFor(async () => expect(await consoleOf(ec2, server)).toContain("still at it"), {
      timeout: bootLimitMs,
      interval: 500,
    });
    const InstanceIds = [server.InstanceId!];
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds }));
    expect(Reservations![0]!.Instances![0]!.State!.Name).toBe("running");
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    expect(await consoleOf(ec2, server)).toContain("still at it");
  });

  test("reach the gateway and nothing else: no other address, no port of this computer, no say in the sandbox", async () => {
    const { ec2 } = aws();
    const server = await booted(ec2, quick);
    const { port } = new URL(sandbox.endpoint);
    const reached = await shell(
      server,
      [
        "try() { curl -s -o /dev/null -w '%{http_code}' --max-time 3 \"$@\" || true; echo; }",
        `try http://127.0.0.1:${port}/_rekindle/status`,
        "try http://1.1.1.1/",
        "try 'http://[2606:4700:4700::1111]/'",
        "try http://169.254.169.253/",
        'try "$AWS_ENDPOINT_URL/_rekindle/status"',
        'try -X POST "$AWS_ENDPOINT_URL/moto-api/reset"',
        "ping -c 1 -W 2 8.8.8.8 >/dev/null 2>&1 && echo pinged || echo unreached",
        'python3 -c \'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.sendto(b"x", ("8.8.8.8", 53)); s.recv(1)\' 2>/dev/null && echo answered || echo unreached',
      ].join("\n"),
    );
    const [own, ...others] = reached.split("\n");
    expect([own, ...others.slice(0, 3)]).toEqual(["000", "000", "000", "000"]);
    // The gateway takes the first for a call of S3, as it does every path that it does not know.
    expect(others[3]).not.toBe("200");
    expect(others[4]).toBe("403");
    expect(others.slice(5)).toEqual(["unreached", "unreached"]);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [server.InstanceId!] }));
  });

  test("are all gone after a reset, whatever they were in the middle of and whoever was killed", {
    timeout: 300_000,
  }, async () => {
    const { ec2 } = aws();
    const server = await booted(ec2, quick);
    const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${region}a`, Size: 1 }));
    const attachment = { InstanceId: server.InstanceId!, VolumeId: VolumeId!, Device: "/dev/sdf" };
    await ec2.send(new AttachVolumeCommand(attachment));
    await shell(
      server,
      "mkfs.ext4 -q /dev/sdf && mount /dev/sdf /srv && fsfreeze -f /srv && { setsid touch /srv/blocked & } >/dev/null 2>&1",
    );
    await sandbox.reset();
    expect(leftBehind()).toEqual(before);

    for (const helper of ["relay.js", "devices.py"]) {
      await booted(ec2, quick);
      const found = descendants(sandbox.pid).filter((pid) => commandLine(pid).includes(helper));
      expect(found.length).toBeGreaterThan(0);
      for (const pid of found) process.kill(pid, "SIGKILL");
      await sandbox.reset();
      expect(leftBehind()).toEqual(before);
    }
    const again = await booted(ec2, quick);
    const volume = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${region}a`, Size: 1 }));
    await ec2.send(
      new AttachVolumeCommand({
        InstanceId: again.InstanceId!,
        VolumeId: volume.VolumeId!,
        Device: "/dev/sdf",
      }),
    );
    expect(await shell(again, "[ -b /dev/sdf ] && echo there")).toBe("there");
    await sandbox.reset();
    expect(leftBehind()).toEqual(before);
  });

  test("end with a gateway that is killed, and leave nothing either", async () => {
    const { ec2 } = aws();
    const server = await booted(ec2, quick);
    const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${region}a`, Size: 1 }));
    const attachment = { InstanceId: server.InstanceId!, VolumeId: VolumeId!, Device: "/dev/sdf" };
    await ec2.send(new AttachVolumeCommand(attachment));
    await shell(server, "mkfs.xfs -q /dev/sdf && mount /dev/sdf /mnt; setsid sleep 98765 >/dev/null 2>&1 &");
    expect(processes("sleep 98765")).not.toBe("");
    expect(loopDevices()).toHaveLength(1);
    process.kill(sandbox.pid, "SIGKILL");
    await vi.waitFor(
      () => {
        expect(processes("sleep 98765")).toBe("");
        expect(leftBehind()).toEqual(before);
      },
      { timeout: 20_000, interval: 250 },
    );
  });

  function descendants(pid: number): number[] {
    const children = spawnSync("pgrep", ["-P", String(pid)])
      .stdout.toString()
      .split("\n")
      .filter(Boolean)
      .map(Number);
    return [...children, ...children.flatMap(descendants)];
  }

  function commandLine(pid: number): string {
    return spawnSync("ps", ["-o", "args=", "-p", String(pid)]).stdout.toString();
  }

  function processes(commandLine: string): string {
    return spawnSync("pgrep", ["-fx", commandLine]).stdout.toString();
  }

  /** What an engine could leave on the machine: loop devices, mounts and network devices of ours. */
  function leftBehind(): string[] {
    const mounts = spawnSync("findmnt", ["-rno", "TARGET"]).stdout.toString().split("\n");
    const links = spawnSync("ip", ["-o", "link"]).stdout.toString().split("\n");
    return [
      ...loopDevices(),
      ...mounts.filter((path) => path.includes("rekindle-real-bodies")),
      ...links.map((line) => line.split(":")[1]?.trim() ?? "").filter((name) => name !== ""),
    ];
  }

  function loopDevices(): string[] {
    const listed = spawnSync("losetup", ["-nO", "NAME,BACK-FILE"]).stdout.toString().split("\n");
    return listed.filter((line) => line.includes("rekindle-real-bodies"));
  }
});
