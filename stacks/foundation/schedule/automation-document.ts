import { tags } from "../../../bootstrap/config/names.ts";
import type { Schedule } from "../../../bootstrap/config/schedule-schema.ts";
import type { Topology } from "../../../bootstrap/config/schema.ts";
import { isStateful } from "../../../bootstrap/config/servers.ts";

/** CodeBuild's words for a build that has ended. */
const endings = ["SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT"];

/**
 * The SSM Automation that takes one recovery point. Cheap checks come first: while more servers than are allowed don't
 * answer or can't be frozen, nothing is snapshotted and nothing copied. What it does not do is to start a snapshot
 * itself: `rekindle snapshot` does, in the build that it waits for.
 */
export function pointAutomationDocument({
  topology,
  points,
  project,
  roleArn,
}: {
  topology: Topology;
  points: NonNullable<Schedule["points"]>;
  project: string;
  roleArn: string;
}): object {
  return {
    schemaVersion: "0.3",
    description: `Takes a recovery point of ${topology.environment.name} with rekindle snapshot`,
    assumeRole: roleArn,
    mainSteps: [
      ...lookAtServers(topology, points),
      {
        name: "StartSnapshot",
        action: "aws:executeAwsApi",
        inputs: { Service: "codebuild", Api: "StartBuild", projectName: project },
        outputs: [{ Name: "Build", Selector: "$.build.id", Type: "String" }],
        onFailure: "Abort",
      },
      {
        name: "WaitForSnapshot",
        action: "aws:waitForAwsResourceProperty",
        timeoutSeconds: 9 * 3600,
        inputs: { ...buildOf, DesiredValues: endings },
        onFailure: "Abort",
      },
      {
        name: "PointIsComplete",
        action: "aws:assertAwsResourceProperty",
        inputs: { ...buildOf, DesiredValues: ["SUCCEEDED"] },
        onFailure: "Abort",
        isEnd: true,
      },
    ],
  };
}

const buildOf = {
  Service: "codebuild",
  Api: "BatchGetBuilds",
  ids: ["{{ StartSnapshot.Build }}"],
  PropertySelector: "$.builds[0].buildStatus",
};

/** One step for each stateful role: its servers, found by their tags, so many at a time. */
function lookAtServers(
  { environment, roles }: Topology,
  { maxConcurrency, maxErrors }: NonNullable<Schedule["points"]>,
): object[] {
  const stateful = Object.keys(environment.roles).filter((role) => isStateful(roles[role]!));
  return stateful.map((role) => ({
    name: `LookAt_${role.replaceAll("-", "_")}`,
    action: "aws:runCommand",
    timeoutSeconds: 1800,
    inputs: {
      DocumentName: "AWS-RunShellScript",
      Targets: [
        { Key: `tag:${tags.environment}`, Values: [environment.name] },
        { Key: `tag:${tags.site}`, Values: ["primary"] },
        { Key: `tag:${tags.role}`, Values: [role] },
      ],
      MaxConcurrency: maxConcurrency,
      MaxErrors: maxErrors,
      Parameters: {
        commands: ["set -e", "command -v fsfreeze", `mountpoint ${roles[role]!.storage!.mount}`],
        executionTimeout: ["60"],
      },
    },
    onFailure: "Abort",
  }));
}
