import { CodebuildProject } from "@cdktf/provider-aws/lib/codebuild-project/index.js";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { SchedulerSchedule } from "@cdktf/provider-aws/lib/scheduler-schedule/index.js";
import { SsmDocument } from "@cdktf/provider-aws/lib/ssm-document/index.js";
import { Construct } from "constructs";
import { pointAutomation, scheduled, siteBucket, snapshotProject } from "../../../bootstrap/config/names.ts";
import type { Schedule } from "../../../bootstrap/config/schedule-schema.ts";
import type { Topology } from "../../../bootstrap/config/schema.ts";
import { assumedFor, type PolicyDocument } from "../policies.ts";
import { pointAutomationDocument } from "./automation-document.ts";
import type { ScheduledSite } from "./schedule.ts";
import { automationAccess, schedulerAccess, snapshotAccess } from "./schedule-access.ts";
import { snapshotBuildspec } from "./snapshot-buildspec.ts";

/**
 * Recovery points by the clock: EventBridge Scheduler starts an SSM Automation, which first asks the servers whether
 * they can be frozen, some at a time and up to so many failures, and then has CodeBuild run `rekindle snapshot`. So a
 * point is the same whoever asks for it, and there is one place that takes them.
 */
export class PointSchedule extends Construct {
  constructor(
    scope: Construct,
    id: string,
    {
      topology,
      schedule,
      points,
      primary,
      recovery,
    }: {
      topology: Topology;
      schedule: Schedule;
      points: NonNullable<Schedule["points"]>;
      primary: ScheduledSite;
      recovery: ScheduledSite;
    },
  ) {
    super(scope, id);
    const { name, account } = topology.environment;
    const { provider, region } = primary;
    const place = { environment: name, account, region };
    const sites = [primary, recovery].map((site) => ({
      region: site.region,
      bucket: siteBucket(name, account, site.region),
      keyArn: site.keyArn,
    }));

    const builder = workerRole(this, "snapshot", {
      provider,
      name: scheduled(name, "snapshot"),
      trust: assumedFor("codebuild.amazonaws.com", account),
      access: snapshotAccess({ ...place, sites }),
    });
    const project = new CodebuildProject(this, "project", {
      provider,
      name: snapshotProject(name),
      description: `rekindle snapshot of ${name}, by the clock`,
      serviceRole: builder.arn,
      // Two at a time do no harm: the second one finds the first one's lock in the bucket, and leaves.
      buildTimeout: 8 * 60,
      queuedTimeout: 60,
      artifacts: { type: "NO_ARTIFACTS" },
      environment: {
        type: "LINUX_CONTAINER",
        computeType: "BUILD_GENERAL1_SMALL",
        image: "aws/codebuild/standard:7.0",
        environmentVariable: [
          { name: "REKINDLE_ENV", value: name },
          { name: "REKINDLE_BUCKET", value: siteBucket(name, account, region) },
        ],
      },
      // The repository as it was published: `git/` holds its bundles.
      source: {
        type: "S3",
        location: `${siteBucket(name, account, region)}/git/`,
        buildspec: snapshotBuildspec,
      },
    });
    const runner = workerRole(this, "automation", {
      provider,
      name: scheduled(name, "automation"),
      trust: assumedFor("ssm.amazonaws.com", account),
      access: automationAccess({ ...place, project: project.name }),
    });
    const document = new SsmDocument(this, "document", {
      provider,
      name: pointAutomation(name),
      documentType: "Automation",
      documentFormat: "JSON",
      content: JSON.stringify(
        pointAutomationDocument({ topology, points, project: project.name, roleArn: runner.arn }),
      ),
    });
    const scheduler = workerRole(this, "scheduler", {
      provider,
      name: scheduled(name, "scheduler"),
      trust: assumedFor("scheduler.amazonaws.com", account),
      access: schedulerAccess({ ...place, document: document.name, roleArn: runner.arn }),
    });
    new SchedulerSchedule(this, "schedule", {
      provider,
      name: pointAutomation(name),
      description: `Takes a recovery point of ${name}`,
      scheduleExpression: points.at,
      scheduleExpressionTimezone: schedule.timezone,
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution",
        roleArn: scheduler.arn,
        input: JSON.stringify({ DocumentName: document.name }),
        // A point that is late by more is the next one's.
        retryPolicy: { maximumEventAgeInSeconds: 600, maximumRetryAttempts: 3 },
      },
    });
  }
}

function workerRole(
  scope: Construct,
  id: string,
  props: { provider: AwsProvider; name: string; trust: PolicyDocument; access: PolicyDocument },
): IamRole {
  const { provider, name, trust, access } = props;
  const owner = new Construct(scope, id);
  const role = new IamRole(owner, "role", { provider, name, assumeRolePolicy: JSON.stringify(trust) });
  new IamRolePolicy(owner, "access", {
    provider,
    name: "work",
    role: role.id,
    policy: JSON.stringify(access),
  });
  return role;
}
