import {
  GetCommandInvocationCommand,
  type GetCommandInvocationCommandOutput,
  SendCommandCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
import { HostFailure } from "../../collect/failure.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "../aws/access.ts";
import type { Clock } from "../clock.ts";
import { type Patience, tookTooLong } from "./source.ts";

/** How a command is waited for. */
export interface CommandPatience extends Patience {
  clock: Pick<Clock, "monotonic" | "sleep">;
  /** Between two looks; a second when left out. */
  pollMs?: number;
  /** A command that the server has not begun by then is never run; `timeoutMs` when left out, and never less than 30 s. */
  deliveryMs?: number;
}

/** Runs a shell's script on one EC2 instance by SSM Run Command, and gives how it ended. `comment` is for SSM's log. */
export function ssmCommand(
  instance: string,
  region: string,
  access: AwsAccess,
  { timeoutMs, signal, clock, pollMs = 1_000, deliveryMs = timeoutMs }: CommandPatience,
): (comment: string, script: string) => Promise<GetCommandInvocationCommandOutput> {
  const ssm = connected(new SSMClient(clientConfig(access, region)), access, region);
  const endOf = async (command: string, deadline: number) => {
    for (;;) {
      if (signal.aborted) throw new HostFailure("failed", "stopped before it was done");
      if (clock.monotonic() > deadline) throw tookTooLong(timeoutMs);
      await clock.sleep(pollMs);
      try {
        const said = await ssm.send(
          new GetCommandInvocationCommand({ CommandId: command, InstanceId: instance }),
        );
        if (!["Pending", "InProgress", "Delayed", "Cancelling"].includes(said.Status ?? "Pending"))
          return said;
      } catch (error) {
        // It takes SSM a moment to know of a command that it has just taken.
        if (errorCode(error) !== "InvocationDoesNotExist") throw error;
      }
    }
  };
  return async (comment, script) => {
    const [begun, ended] = [deliveryMs, timeoutMs].map((ms) => Math.max(30, Math.ceil(ms / 1000)));
    const sent = await ssm
      .send(
        new SendCommandCommand({
          DocumentName: "AWS-RunShellScript",
          InstanceIds: [instance],
          Comment: comment,
          TimeoutSeconds: begun,
          Parameters: { commands: [script], executionTimeout: [String(ended)] },
        }),
      )
      .catch((error: unknown) => {
        throw notManaged(region, error);
      });
    return endOf(sent.Command!.CommandId!, clock.monotonic() + timeoutMs);
  };
}

function notManaged(region: string, error: unknown): unknown {
  if (!["InvalidInstanceId", "InvalidInstanceInformationFilterValue"].includes(errorCode(error)))
    return error;
  return new HostFailure(
    "refused",
    `SSM does not know it in ${region}; start its agent, and give its instance profile AmazonSSMManagedInstanceCore`,
    { cause: error },
  );
}
