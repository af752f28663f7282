import { randomBytes } from "node:crypto";
import { HostFailure, recognise } from "../../collect/failure.ts";
import { inboxKey } from "../../collect/inbox-key.ts";
import { type AwsAccess, errorCode } from "../aws/access.ts";
import type { Clock } from "../clock.ts";
import { gatherScript, quote } from "./gather-script.ts";
import type { Inbox } from "./inbox.ts";
import type { Patience, Source } from "./source.ts";
import { ssmCommand } from "./ssm-command.ts";

/** An EC2 instance that no login leads to: SSM Run Command has it push to the inbox, from where it is taken. */
export function ssmSource(
  instance: string,
  region: string,
  access: AwsAccess,
  inbox: Inbox,
  patience: Patience & { clock: Clock },
): Source {
  const command = ssmCommand(instance, region, access, patience);
  return {
    host: instance,
    isLive: true,
    async gather(selected, consume) {
      const key = inboxKey(instance, patience.clock.now(), randomBytes(6).toString("hex"));
      const said = await command("rekindle collect", pushScript(gatherScript(selected), inbox, key));
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
