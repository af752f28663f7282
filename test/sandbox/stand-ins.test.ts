import { gzipSync } from "node:zlib";
import {
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  GetConsoleOutputCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateLoadBalancerCommand,
  DescribeLoadBalancersCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  CreateDBInstanceCommand,
  DeleteDBInstanceAutomatedBackupCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  DescribeOrderableDBInstanceOptionsCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceAutomatedBackupsReplicationCommand,
  StopDBInstanceAutomatedBackupsReplicationCommand,
} from "@aws-sdk/client-rds";
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  GetBucketPolicyCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { SendCommandCommand } from "@aws-sdk/client-ssm";
import { describe, expect, test, vi } from "vitest";
import { clients } from "./clients.ts";
import { runningSandbox } from "./gateway.ts";

const region = "eu-west-1";
const sandbox = runningSandbox();
const inRegion = () => clients(sandbox().endpoint, region);

const mark = `rekindle-bake-ok ${"ab".repeat(32)}`;
const userData = Buffer.from(`#cloud-config\nruncmd:\n  - echo ${mark}\n`);

interface Launch {
  userData?: Buffer;
  tags?: Record<string, string>;
}

async function launch({ userData: data = userData, tags = { "rekindle:builder": "abc" } }: Launch = {}) {
  const { ec2 } = inRegion();
  const images = await ec2.send(new DescribeImagesCommand({ Owners: ["amazon"] }));
  const launched = await ec2.send(
    new RunInstancesCommand({
      ImageId: images.Images?.[0]?.ImageId,
      MinCount: 1,
      MaxCount: 1,
      UserData: data.toString("base64"),
      TagSpecifications: [
        {
          ResourceType: "instance",
          Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        },
      ],
    }),
  );
  return launched.Instances![0]!.InstanceId!;
}

async function stateOf(instance: string) {
  const found = await inRegion().ec2.send(new DescribeInstancesCommand({ InstanceIds: [instance] }));
  return found.Reservations?.[0]?.Instances?.[0]?.State?.Name;
}

async function consoleOf(instance: string) {
  const { Output } = await inRegion().ec2.send(new GetConsoleOutputCommand({ InstanceId: instance }));
  return Buffer.from(Output!, "base64").toString();
}

test.each([
  ["longer than EC2 takes", "x".repeat(16_385), "InvalidParameterValue: User data is limited to 16384 bytes"],
  ["as long as EC2 takes", "x".repeat(16_384), undefined],
])("user-data that is %s", async (_, text, refusal) => {
  const launched = launch({ userData: Buffer.from(text), tags: { Name: "server" } }).then(
    () => undefined,
    ({ name, message }: Error) => `${name}: ${message}`,
  );
  expect(await launched).toBe(refusal);
});

describe("a builder", () => {
  test("powers itself off, with the mark of its user-data on a console that admits the stand-in", async () => {
    const builder = await launch();
    expect(await stateOf(builder)).toBe("stopped");
    expect(await consoleOf(builder)).toBe(
      `rekindle: the emulator ran no user-data; this power-off is the gateway's stand-in\n${mark}\n`,
    );
  });

  test("with compressed user-data does the same", async () => {
    expect(await consoleOf(await launch({ userData: gzipSync(userData) }))).toContain(mark);
  });

  test("without a mark in its user-data has none on its console", async () => {
    const builder = await launch({ userData: Buffer.from("#cloud-config\n") });
    expect(await stateOf(builder)).toBe("stopped");
    expect(await consoleOf(builder)).not.toContain("rekindle-bake-ok");
  });

  test("that is to fail powers off without a mark", async () => {
    await sandbox().setBuilders("fails");
    const builder = await launch();
    expect(await stateOf(builder)).toBe("stopped");
    expect(await consoleOf(builder)).toContain("rekindle-bake-failed");
    expect(await consoleOf(builder)).not.toContain("rekindle-bake-ok");
  });

  test("that is never to stop runs on", async () => {
    await sandbox().setBuilders("never-stops");
    expect(await stateOf(await launch())).toBe("running");
  });
});

test("an instance that is no builder is left to the emulator", async () => {
  const server = await launch({ tags: { Name: "web" } });
  expect(await stateOf(server)).toBe("running");
  expect(await consoleOf(server)).not.toContain("rekindle");
});

test("a load balancer is active when it is first looked at", async () => {
  const { ec2, elb } = inRegion();
  const vpc = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }));
  const subnets = await Promise.all(
    ["a", "b"].map((zone, index) =>
      ec2.send(
        new CreateSubnetCommand({
          VpcId: vpc.Vpc!.VpcId!,
          AvailabilityZone: region + zone,
          CidrBlock: `10.9.${index}.0/24`,
        }),
      ),
    ),
  );
  await elb.send(
    new CreateLoadBalancerCommand({ Name: "web", Subnets: subnets.map(({ Subnet }) => Subnet!.SubnetId!) }),
  );
  const found = await elb.send(new DescribeLoadBalancersCommand({ Names: ["web"] }));
  expect(found.LoadBalancers?.[0]?.State?.Code).toBe("active");
});

describe("corrections of the emulator", () => {
  test("an interface made at launch, and its address, go with the instance", async () => {
    const { ec2 } = inRegion();
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }));
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({ VpcId: Vpc!.VpcId!, CidrBlock: "10.9.0.0/24" }),
    );
    const images = await ec2.send(new DescribeImagesCommand({ Owners: ["amazon"] }));
    const launchAtAddress = async () => {
      const launched = await ec2.send(
        new RunInstancesCommand({
          ImageId: images.Images![0]!.ImageId!,
          MinCount: 1,
          MaxCount: 1,
          NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: Subnet!.SubnetId!, PrivateIpAddress: "10.9.0.16" }],
        }),
      );
      return launched.Instances![0]!.InstanceId!;
    };
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [await launchAtAddress()] }));
    const { NetworkInterfaces } = await ec2.send(new DescribeNetworkInterfacesCommand({}));
    expect(NetworkInterfaces).toEqual([]);
    await launchAtAddress();
  });

  test("a TLS-only bucket policy is given back as it was written, and shuts nobody out", async () => {
    const { s3 } = inRegion();
    const Bucket = "tls-only-bucket";
    await s3.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
    );
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: [`arn:aws:s3:::${Bucket}/*`],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    });
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "a" }));
    expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy);
    await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
    await expect(s3.send(new GetBucketPolicyCommand({ Bucket }))).rejects.toThrow();
  });
});

describe("the automated backups of a deleted DB instance", () => {
  const create = async (identifier: string) =>
    await inRegion().rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: identifier,
        DBInstanceClass: "db.t3.medium",
        Engine: "postgres",
        AllocatedStorage: 20,
        BackupRetentionPeriod: 7,
        MasterUsername: "test",
        MasterUserPassword: "test-password",
      }),
    );
  const snapshots = async () => {
    const { DBSnapshots } = await inRegion().rds.send(new DescribeDBSnapshotsCommand({}));
    return DBSnapshots!.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier);
  };

  test("stay until they are deleted, and no other's go with them", async () => {
    const { rds } = inRegion();
    await create("ledger");
    await create("big-ledger");
    const { DBInstances } = await rds.send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier: "ledger" }),
    );
    const kept = { SkipFinalSnapshot: true, DeleteAutomatedBackups: false };
    await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: "ledger", ...kept }));
    expect((await snapshots()).sort()).toEqual(["big-ledger", "ledger"]);
    const { DbiResourceId } = DBInstances![0]!;
    await rds.send(new DeleteDBInstanceAutomatedBackupCommand({ DbiResourceId: DbiResourceId! }));
    expect(await snapshots()).toEqual(["big-ledger"]);
  });

  describe("that another region keeps", () => {
    const away = () => clients(sandbox().endpoint, "eu-central-1").rds;
    const SourceDBInstanceArn = "arn:aws:rds:eu-west-1:123456789012:db:ledger";
    const start = () =>
      away().send(
        new StartDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn, KmsKeyId: "key" }),
      );
    const look = async () =>
      (await away().send(new DescribeDBInstanceAutomatedBackupsCommand({ DBInstanceIdentifier: "ledger" })))
        .DBInstanceAutomatedBackups!;
    const arrived = async () =>
      await vi.waitFor(async () => {
        const [backup] = await look();
        expect(backup).toMatchObject({ Status: "replicating", Region: region, Engine: "postgres" });
        return backup!;
      });

    test("reach up to the loss of their region, and restore an instance there as it was", async () => {
      await create("ledger");
      await start();
      const { RestoreWindow, DBInstanceAutomatedBackupsArn } = await arrived();
      await sandbox().loseRegion(region, "refused");
      await new Promise((resolve) => setTimeout(resolve, 20));
      const [backup] = await look();
      expect(backup!.RestoreWindow).toEqual(RestoreWindow);
      const restore = (RestoreTime: Date) =>
        away().send(
          new RestoreDBInstanceToPointInTimeCommand({
            SourceDBInstanceAutomatedBackupsArn: DBInstanceAutomatedBackupsArn!,
            TargetDBInstanceIdentifier: "rebuilt",
            RestoreTime,
          }),
        );
      const { EarliestTime, LatestTime } = RestoreWindow!;
      await expect(restore(new Date(EarliestTime!.getTime() - 1))).rejects.toThrow("a time earlier than");
      await expect(restore(new Date(LatestTime!.getTime() + 1))).rejects.toThrow("a time later than");
      const { DBInstance } = await restore(LatestTime!);
      expect(DBInstance).toMatchObject({
        DBInstanceIdentifier: "rebuilt",
        Engine: "postgres",
        AllocatedStorage: 20,
        MasterUsername: "test",
        StorageEncrypted: true,
      });
      await sandbox().restoreRegion(region);
    });

    test("stay when their replication is stopped, until they are deleted", async () => {
      await create("ledger");
      await start();
      const { DBInstanceAutomatedBackupsArn } = await arrived();
      await expect(start()).rejects.toThrow("is replicating to eu-central-1 already");
      await away().send(new StopDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn }));
      expect(await look()).toMatchObject([{ Status: "retained" }]);
      const arn = { DBInstanceAutomatedBackupsArn: DBInstanceAutomatedBackupsArn! };
      await away().send(new DeleteDBInstanceAutomatedBackupCommand(arn));
      expect(await look()).toEqual([]);
      await expect(away().send(new DescribeDBInstanceAutomatedBackupsCommand(arn))).rejects.toMatchObject({
        name: "DBInstanceAutomatedBackupNotFoundFault",
      });
    });

    test("do not begin in a region that can't read theirs", async () => {
      await create("ledger");
      await sandbox().loseRegion(region, "refused");
      await expect(start()).rejects.toThrow(`region ${region} is lost`);
      await sandbox().restoreRegion(region);
    });
  });
});

test("what engines are offered on is not known here, rather than nothing", async () => {
  const { rds } = inRegion();
  await expect(
    rds.send(new DescribeOrderableDBInstanceOptionsCommand({ Engine: "postgres", EngineVersion: "15.8" })),
  ).rejects.toThrow("the sandbox knows no classes that postgres is offered on");
});

test("an instance without a body runs no command, and SSM does not say that it did", async () => {
  const { ssm } = inRegion();
  const sent = ssm.send(
    new SendCommandCommand({
      DocumentName: "AWS-RunShellScript",
      InstanceIds: ["i-0123456789abcdef0"],
      Parameters: { commands: ["true"] },
    }),
  );
  await expect(sent).rejects.toMatchObject({ name: "InvalidInstanceId" });
});
