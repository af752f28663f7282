import { describe, expect, it, test } from "vitest";
import {
  type Arguments,
  all,
  clustered,
  foundationScheduled,
  ledger,
  everySchedule as schedule,
  shop,
  synthesize,
} from "./builder.ts";

const foundation = foundationScheduled(schedule);
const one = (type: string): Arguments => {
  const found = all(foundation, type);
  expect(found, `there is one ${type}`).toHaveLength(1);
  return found[0]!;
};

const engines = [
  "aws_backup_plan",
  "aws_backup_selection",
  "aws_backup_restore_testing_plan",
  "aws_backup_vault_lock_configuration",
  "aws_codebuild_project",
  "aws_dlm_lifecycle_policy",
  "aws_scheduler_schedule",
  "aws_ssm_document",
];

test("an environment without a schedule has none of the engines", () => {
  const types = Object.keys(synthesize(shop())["foundation-stack"].resource);
  expect(types.filter((type) => engines.includes(type))).toEqual([]);
});

test("each part of a schedule is set up by itself", () => {
  const types = Object.keys(foundationScheduled({ timezone: "UTC", points: schedule.points! }).resource);
  expect(types.filter((type) => engines.includes(type)).sort()).toEqual([
    "aws_codebuild_project",
    "aws_scheduler_schedule",
    "aws_ssm_document",
  ]);
});

describe("recovery points", () => {
  const document = JSON.parse(one("aws_ssm_document").content);
  const steps: Arguments[] = document.mainSteps;

  it("are taken by the clock, in the environment's time zone, where the primary is", () => {
    expect(one("aws_scheduler_schedule")).toMatchObject({
      provider: "aws.primary",
      schedule_expression: "rate(30 minutes)",
      schedule_expression_timezone: "Europe/Berlin",
      target: { arn: "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution" },
    });
    expect(one("aws_ssm_document")).toMatchObject({ provider: "aws.primary", document_type: "Automation" });
  });

  it("begin with a look at the servers that hold data, by their tags, with limits on both sides", () => {
    expect(steps.map(({ name, action }) => [name, action])).toEqual([
      ["LookAt_db", "aws:runCommand"],
      ["StartSnapshot", "aws:executeAwsApi"],
      ["WaitForSnapshot", "aws:waitForAwsResourceProperty"],
      ["PointIsComplete", "aws:assertAwsResourceProperty"],
    ]);
    expect(steps[0]!.inputs).toMatchObject({
      Targets: [
        { Key: "tag:rekindle:environment", Values: ["shop"] },
        { Key: "tag:rekindle:site", Values: ["primary"] },
        { Key: "tag:rekindle:role", Values: ["db"] },
      ],
      MaxConcurrency: "5",
      MaxErrors: "1",
      Parameters: { commands: ["set -e", "command -v fsfreeze", "mountpoint /var/lib/postgresql"] },
    });
    for (const { onFailure } of steps) expect(onFailure).toBe("Abort");
  });

  it("are taken by rekindle snapshot itself, from the published repository", () => {
    const project = one("aws_codebuild_project");
    expect(project.source).toMatchObject({
      type: "S3",
      location: "rekindle-shop-123456789012-eu-central-1/git/",
    });
    expect(JSON.parse(project.source.buildspec).phases.build.commands.at(-1)).toBe(
      'npx rekindle snapshot --env "$REKINDLE_ENV"',
    );
    expect(steps[1]!.inputs.projectName).toMatch(
      /^\$\{aws_codebuild_project\.schedule_points_project_\w+\.name\}$/,
    );
  });

  it("of an environment without data volumes need no look at a server", () => {
    const input = ledger();
    const environment = { ...input.topology.environment, schedule };
    const stack = synthesize({ ...input, topology: { ...input.topology, environment } })["foundation-stack"];
    const { mainSteps } = JSON.parse(all(stack, "aws_ssm_document")[0]!.content);
    expect(mainSteps[0].name).toBe("StartSnapshot");
  });
});

describe("who works by the clock", () => {
  test("has a name that no role of the environment can have", () => {
    const names = all(foundation, "aws_iam_role").map(({ name }) => name as string);
    expect(names.filter((name) => name.includes(".")).sort()).toEqual([
      "rekindle-shop.automation",
      "rekindle-shop.backup",
      "rekindle-shop.images",
      "rekindle-shop.scheduler",
      "rekindle-shop.snapshot",
    ]);
  });

  test("may be told so by nobody outside of the account", () => {
    for (const worker of ["snapshot", "automation", "scheduler", "images"]) {
      const role = all(foundation, "aws_iam_role").find(({ name }) => name === `rekindle-shop.${worker}`)!;
      expect(JSON.parse(role.assume_role_policy).Statement[0].Condition).toEqual({
        StringEquals: { "aws:SourceAccount": "123456789012" },
      });
    }
  });

  const looking = /^(ec2:Describe|ssm:(DescribeInstanceInformation|GetCommandInvocation|List))/;
  test.each([
    "snapshot",
    "automation",
    "scheduler",
  ])("has no wildcard action, and for %s no whole resource but where AWS knows nothing smaller", (worker) => {
    for (const { Action, Resource } of accessOf(worker)) {
      const actions = [Action].flat();
      expect(actions.filter((action: string) => action.includes("*"))).toEqual([]);
      if (![Resource].flat().includes("*")) continue;
      expect(actions.filter((action: string) => !looking.test(action))).toEqual([]);
    }
  });

  test("the scheduler starts one automation, with one role", () => {
    expect(accessOf("scheduler").map(({ Action }) => Action)).toEqual([
      "ssm:StartAutomationExecution",
      "iam:PassRole",
    ]);
  });

  test("the snapshot writes nothing but the catalog, locks and its log, and lets go of nothing but points' keys", () => {
    const statements = accessOf("snapshot");
    const actions = statements.flatMap(({ Action }) => [Action].flat() as string[]);
    expect(actions.filter((action) => /Delete|Terminate|Modify/.test(action))).toEqual(["s3:DeleteObject"]);
    const places = (action: string) =>
      statements.filter(({ Action }) => [Action].flat().includes(action)).flatMap(({ Resource }) => Resource);
    const buckets = ["eu-central-1", "eu-west-1"].map(
      (region) => `arn:aws:s3:::rekindle-shop-123456789012-${region}`,
    );
    expect(places("s3:DeleteObject")).toEqual(buckets.map((bucket) => `${bucket}/catalog/points/*`));
    expect(places("s3:PutObject")).toEqual(
      buckets.flatMap((bucket) => ["catalog/*", "locks/*"].map((key) => `${bucket}/${key}`)),
    );
  });
});

test("the snapshot of an environment with copies elsewhere may write there, and share with its vault alone", () => {
  const input = shop();
  const copies = {
    regions: ["eu-north-1"],
    account: { id: "210987654321", role: "rekindle-vault" },
    atOnce: 5,
  };
  const environment = { ...input.topology.environment, schedule, copies };
  const stack = synthesize({ ...input, topology: { ...input.topology, environment } })["foundation-stack"];
  const [, { policy }] = Object.entries(stack.resource.aws_iam_role_policy!).find(([address]) =>
    address.startsWith("schedule_points_snapshot_"),
  )!;
  const statements: Record<string, Arguments> = Object.fromEntries(
    JSON.parse(policy).Statement.map((statement: Arguments) => [statement.Sid, statement]),
  );
  expect(statements.WritePoints!.Resource).toContain(
    "arn:aws:s3:::rekindle-shop-123456789012-eu-north-1/catalog/*",
  );
  expect(statements.TakeVaultsRole!.Resource).toEqual(["arn:aws:iam::210987654321:role/rekindle-vault"]);
  expect(statements.ShareOwnSnapshots!.Condition).toEqual({
    StringEquals: { "ec2:ResourceTag/rekindle:environment": "shop" },
  });
});

describe("AWS Backup", () => {
  it("backs up in both regions alike, each copying to the other's vault and to those that are named", () => {
    const plans = all(foundation, "aws_backup_plan");
    expect(plans.map(({ provider }) => provider)).toEqual(["aws.primary", "aws.recovery"]);
    for (const [index, plan] of plans.entries()) {
      const [own, other] = index === 0 ? ["primary", "recovery"] : ["recovery", "primary"];
      expect(plan.rule).toEqual([
        expect.objectContaining({
          schedule: "cron(0 3 * * ? *)",
          schedule_expression_timezone: "Europe/Berlin",
          target_vault_name: expect.stringContaining(`aws_backup_vault.${own}_vault`),
          lifecycle: { delete_after: 35 },
          copy_action: [
            {
              destination_vault_arn: expect.stringContaining(`aws_backup_vault.${other}_vault`),
              lifecycle: { delete_after: 35 },
            },
            {
              destination_vault_arn: "arn:aws:backup:eu-west-1:210987654321:backup-vault:shop",
              lifecycle: { delete_after: 35 },
            },
          ],
        }),
      ]);
    }
  });

  it("takes data volumes, databases and tagged servers, and no root volume", () => {
    const selections = all(foundation, "aws_backup_selection").filter(
      ({ provider }) => provider === "aws.primary",
    );
    expect(Object.fromEntries(selections.map(({ name, condition }) => [name, condition[0]]))).toEqual({
      "rekindle-shop-volumes": {
        string_equals: [{ key: "aws:ResourceTag/rekindle:environment", value: "shop" }],
        string_like: [{ key: "aws:ResourceTag/rekindle:volume", value: "*" }],
      },
      "rekindle-shop-databases": {
        string_equals: [{ key: "aws:ResourceTag/rekindle:environment", value: "shop" }],
      },
      "rekindle-shop-servers": { string_equals: [{ key: "aws:ResourceTag/rekindle:image", value: "shop" }] },
    });
  });

  it("locks the vaults for as long as the environment's retention, for good only in compliance mode", () => {
    expect(all(foundation, "aws_backup_vault_lock_configuration")).toEqual([]);
    const locks = (mode: "governance" | "compliance") =>
      all(
        foundationScheduled(schedule, { retention: { mode, days: 30 }, replicate: false }),
        "aws_backup_vault_lock_configuration",
      );
    const governance = locks("governance");
    expect(governance.map(({ min_retention_days }) => min_retention_days)).toEqual([30, 30]);
    for (const lock of governance) expect(lock).not.toHaveProperty("changeable_for_days");
    for (const lock of locks("compliance")) expect(lock.changeable_for_days).toBe(3);
  });

  it("restores the newest copies in the recovery region, of the kinds that the environment has", () => {
    expect(one("aws_backup_restore_testing_plan")).toMatchObject({
      provider: "aws.recovery",
      name: "rekindle_shop",
      schedule_expression: "cron(0 6 ? * SUN *)",
    });
    expect(
      all(foundation, "aws_backup_restore_testing_selection").map(
        ({ protected_resource_type }) => protected_resource_type,
      ),
    ).toEqual(["EBS"]);
  });

  it.each([
    ["an instance", ledger(), "RDS"],
    ["a cluster of Aurora, which is a kind apart", clustered(), "Aurora"],
  ])("restores the copies of %s", (_, input, type) => {
    const environment = { ...input.topology.environment, schedule };
    const stack = synthesize({ ...input, topology: { ...input.topology, environment } })["foundation-stack"];
    expect(
      all(stack, "aws_backup_restore_testing_selection").map(
        (selection) => selection.protected_resource_type,
      ),
    ).toEqual([type]);
  });
});

test("Data Lifecycle Manager makes images of the servers that are tagged for it, and copies none", () => {
  expect(one("aws_dlm_lifecycle_policy").policy_details).toMatchObject({
    policy_type: "IMAGE_MANAGEMENT",
    resource_types: ["INSTANCE"],
    target_tags: { "rekindle:image": "shop" },
    parameters: { no_reboot: true },
    schedule: [{ create_rule: { cron_expression: "cron(0 2 * * ? *)" }, retain_rule: { count: 7 } }],
  });
  // This provider can't name the region of an image's copy; with `target`, AWS refuses the policy.
  expect(one("aws_dlm_lifecycle_policy").policy_details.schedule[0]).not.toHaveProperty(
    "cross_region_copy_rule",
  );
});

function accessOf(worker: string): Arguments[] {
  const [, { policy }] = Object.entries(foundation.resource.aws_iam_role_policy!).find(([address]) =>
    address.startsWith(`schedule_points_${worker}_`),
  )!;
  return JSON.parse(policy).Statement;
}
