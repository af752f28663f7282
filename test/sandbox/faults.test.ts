import { DescribeVpcsCommand, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { ListRolesCommand } from "@aws-sdk/client-iam";
import { DescribeDBInstancesCommand } from "@aws-sdk/client-rds";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { DescribeParametersCommand } from "@aws-sdk/client-ssm";
import { describe, expect, test } from "vitest";
import { clients } from "./clients.ts";
import { runningSandbox } from "./gateway.ts";

const region = "eu-west-1";
const sandbox = runningSandbox();
const inRegion = (name = region) => clients(sandbox().endpoint, name);

const calls = {
  ec2: () => inRegion().ec2.send(new DescribeVpcsCommand({})),
  rds: () => inRegion().rds.send(new DescribeDBInstancesCommand({})),
  ssm: () => inRegion().ssm.send(new DescribeParametersCommand({})),
  s3: () => inRegion().s3.send(new ListBucketsCommand({})),
  iam: () => inRegion().iam.send(new ListRolesCommand({})),
};

describe("an injected fault reads like the service's own", () => {
  test.for([
    ["throttle", "ec2", "RequestLimitExceeded", 503],
    ["throttle", "rds", "Throttling", 400],
    ["throttle", "ssm", "ThrottlingException", 400],
    ["throttle", "s3", "SlowDown", 503],
    ["500", "ec2", "InternalError", 500],
    ["500", "rds", "InternalFailure", 500],
    ["500", "ssm", "InternalServerError", 500],
    ["500", "s3", "InternalError", 500],
    ["503", "ec2", "Unavailable", 503],
    ["503", "rds", "ServiceUnavailable", 503],
    ["503", "s3", "ServiceUnavailable", 503],
  ] as const)("%s from %s is %s", async ([kind, service, name, status]) => {
    await sandbox().addFault({ kind, service });
    await expect(calls[service]()).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
  });

  test("a reset closes the connection", async () => {
    await sandbox().addFault({ kind: "reset", service: "ec2" });
    await expect(calls.ec2()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("a region short of capacity launches nothing, and answers all other questions", async () => {
    await sandbox().addFault({ kind: "capacity", region });
    const launch = new RunInstancesCommand({
      ImageId: "ami-1",
      InstanceType: "t3.small",
      MinCount: 1,
      MaxCount: 1,
    });
    await expect(inRegion().ec2.send(launch)).rejects.toMatchObject({
      name: "InsufficientInstanceCapacity",
      message: expect.stringContaining("do not have sufficient t3.small capacity"),
      $metadata: { httpStatusCode: 500 },
    });
    await calls.ec2();
    await expect(sandbox().addFault({ kind: "capacity", action: "PutObject" })).rejects.toThrow(
      'action is "PutObject"; only RunInstances lacks capacity',
    );
  });

  test("latency holds a request back and lets it pass", async () => {
    await sandbox().addFault({ kind: "latency", service: "s3", latencyMs: 300 });
    await calls.s3();
    const { requests } = await sandbox().requestsSince(0);
    expect(requests).toMatchObject([{ action: "ListBuckets", status: 200, outcome: "fault" }]);
    expect(requests[0]?.milliseconds).toBeGreaterThanOrEqual(300);
  });
});

describe("a rule", () => {
  const failures = async (count: number, call: () => Promise<unknown>) => {
    const failed: number[] = [];
    for (let number = 1; number <= count; number += 1) await call().catch(() => failed.push(number));
    return failed;
  };

  test("with share 0.25 hits every fourth request", async () => {
    await sandbox().addFault({ kind: "throttle", service: "s3", share: 0.25 });
    expect(await failures(8, calls.s3)).toEqual([4, 8]);
  });

  test("is met however service and action are written", async () => {
    await sandbox().addFault({ kind: "500", service: "EC2", action: "describeVpcs" });
    await expect(calls.ec2()).rejects.toMatchObject({ name: "InternalError" });
  });

  test("leaves other services, actions and regions alone", async () => {
    await sandbox().addFault({ kind: "500", service: "ec2", action: "RunInstances" });
    await sandbox().addFault({ kind: "500", service: "ec2", region: "us-west-2" });
    await sandbox().addFault({ kind: "500", service: "rds" });
    await expect(calls.ec2()).resolves.toBeDefined();
    await expect(calls.iam()).resolves.toBeDefined();
  });

  test("is gone when it is cleared", async () => {
    const id = await sandbox().addFault({ kind: "500" });
    expect(await sandbox().faults()).toEqual([{ id, kind: "500", share: 1 }]);
    await sandbox().clearFaults();
    await expect(calls.s3()).resolves.toBeDefined();
  });

  test("that makes no sense is refused with every reason", async () => {
    const wrong = { kind: "sometimes", share: 2, latencyMs: 5, sevice: "ec2" } as never;
    await expect(sandbox().addFault(wrong)).rejects.toMatchObject({
      kind: "bad-input",
      message: expect.stringMatching(/unknown key "sevice".*share is 2.*kind is "sometimes".*latencyMs/),
    });
  });
});

test("global services count as us-east-1", async () => {
  await calls.iam();
  const { requests } = await sandbox().requestsSince(0);
  expect(requests).toMatchObject([{ service: "iam", action: "ListRoles", region: "us-east-1" }]);
});
