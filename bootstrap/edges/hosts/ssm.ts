import { randomBytes } from "node:crypto";
import { GetCommandInvocationCommand, SendCommandCommand, SSMClient } from "@aws-sdk/client-ssm";
import { HostFailure, recognise } from "../../collect/failure.ts";
import { inboxKey } from "../../collect/inbox-key.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "../aws/access.ts";
import type { Clock } from "../clock.ts";
import { gatherScript, quote } from "./gather-script.ts";
import type { Inbox } from "./inbox.ts";
import { type Patience, type Source, tookTooLong } from "./source.ts";

const pollMs = 1_000;

/** An EC2 instance that no login leads to: SSM Run Command has it push to the inbox, from where it is taken. */
export function ssmSource(
  instance: string,
  region: string,
  access: AwsAccess,
  inbox: Inbox,
  { timeoutMs, signal, clock }: Patience & { clock: Clock },
): Source {
  const ssm = connected(new SSMClient(clientConfig(access, region)), access, region);
  const ended = async (command: string, deadline: number) => {
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
  return {
    host: instance,
    isLive: true,
    async gather(selected, consume) {
      const key = inboxKey(instance, clock.now(), randomBytes(6).toString("hex"));
      const seconds = Math.max(30, Math.ceil(timeoutMs / 1000));
      const sent = await ssm
        .send(
          new SendCommandCommand({
            DocumentName: "AWS-RunShellScript",
            InstanceIds: [instance],
            Comment: "rekindle collect",
            TimeoutSeconds: seconds,
            Parameters: {
              commands: [pushScript(gatherScript(selected), inbox, key)],
              executionTimeout: [String(seconds)],
            },
          }),
        )
        .catch((error: unknown) => {
          throw notManaged(region, error);
        });
      const said = await ended(sent.Command!.CommandId!, clock.monotonic() + timeoutMs);
      if (said.Status !== "Success")
        throw recognise(said.StandardErrorContent ?? "", `its command ended as ${said.Status}`);
      try {
        await inbox.read(key, consume);
      } catch (error) {
        if (errorCode(error) !== "NoSuchKey") throw error;
        throw new HostFailure(
          "cut-short",
          `its command ended well, and s3://${inbox.bucket}/${key} is not there`,
        );
      }
    },
  };
}

/** Gathers and sends without a file in between: a full disk is no reason to have no backup. */
function pushScript(gather: string, inbox: Inbox, key: string): string {
  const target = quote(`s3://${inbox.bucket}/${key}`);
  return `(\n${gather}) | gzip -c | aws s3 cp - ${target} --region ${inbox.region} --only-show-errors\n`;
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
