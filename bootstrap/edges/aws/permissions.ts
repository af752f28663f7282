import {
  CreateVolumeCommand,
  EC2Client,
  type EC2ServiceException,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { GetRoleCommand, IAMClient, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import type { DryRun } from "../../status/recovery-checks.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** What EC2 is asked to start without starting it. */
export interface Trial {
  zone: string;
  encryptionKey: string;
  snapshotId?: string;
  servers: readonly { role: string; imageId: string; instanceType: string; instanceProfile: string }[];
}

/** Whether the caller may do what a rebuild does. Nothing of it is done. */
export interface Permissions {
  /** By the region's own EC2. */
  dryRuns(trial: Trial): Promise<DryRun[]>;
  /** Those of the actions that IAM would deny the caller. IAM's simulator is global: a recovery asks nothing of it. */
  denied(caller: string, actions: readonly string[]): Promise<string[]>;
}

export function awsPermissions(access: AwsAccess, region: string): Permissions {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  const iam = connected(new IAMClient(clientConfig(access, region)), access, region);
  return {
    async dryRuns({ zone, encryptionKey, snapshotId, servers }) {
      const DryRun = true;
      const runs = [
        attempt("CreateVolume", () =>
          ec2.send(
            new CreateVolumeCommand({
              DryRun,
              AvailabilityZone: zone,
              Encrypted: true,
              KmsKeyId: encryptionKey,
              ...(snapshotId === undefined ? { Size: 1 } : { SnapshotId: snapshotId }),
            }),
          ),
        ),
        ...servers.map(({ role, imageId, instanceType, instanceProfile }) =>
          attempt(`RunInstances of ${role}`, () =>
            ec2.send(
              new RunInstancesCommand({
                DryRun,
                ImageId: imageId,
                InstanceType: instanceType as never,
                IamInstanceProfile: { Name: instanceProfile },
                MinCount: 1,
                MaxCount: 1,
              }),
            ),
          ),
        ),
      ];
      return await Promise.all(runs);
    },
    async denied(caller, actions) {
      const PolicySourceArn = await principalOf(iam, caller);
      const { EvaluationResults = [] } = await iam.send(
        new SimulatePrincipalPolicyCommand({ PolicySourceArn, ActionNames: [...actions] }),
      );
      return EvaluationResults.filter(({ EvalDecision }) => EvalDecision !== "allowed").map(
        ({ EvalActionName }) => EvalActionName!,
      );
    },
  };
}

/** A dry run always ends with an error: the one that says that it would have been done, or another. */
async function attempt(call: string, run: () => Promise<unknown>): Promise<DryRun> {
  try {
    await run();
  } catch (error) {
    const code = errorCode(error);
    if (code === "DryRunOperation") return { call, answer: "allowed" };
    const said = (error as Error).message;
    // Without a default network, which many accounts rightly lack, EC2 may not get as far as the caller's rights.
    if (code === "VPCIdNotSpecified") return { call, answer: "undecided", said };
    const isClients =
      (error as EC2ServiceException).$fault === "client" && !/throttl|LimitExceeded/i.test(code);
    if (isClients) return { call, answer: "refused", said };
    throw error;
  }
  throw new Error(`${call} was done in spite of DryRun`);
}

/** A role's session has a policy of its own only through its role, whose path the session's name does not tell. */
async function principalOf(iam: IAMClient, caller: string): Promise<string> {
  const [, name] = /:assumed-role\/([^/]+)\//.exec(caller) ?? [];
  if (name === undefined) return caller;
  return (await iam.send(new GetRoleCommand({ RoleName: name }))).Role!.Arn!;
}
