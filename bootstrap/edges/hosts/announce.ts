import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { RekindleError } from "../../errors.ts";
import { type AwsAccess, clientConfig, connected } from "../aws/access.ts";
import { describeEnding, run, succeeded } from "../process.ts";

/** A commit that others are told about. */
export interface Announcement {
  commit: string;
  message: string;
}

/** Tells an SNS topic; the topic's own region is asked. */
export function announceToTopic(
  access: AwsAccess,
  topic: string,
): (announcement: Announcement) => Promise<void> {
  const region = /^arn:aws[\w-]*:sns:([^:]+):\d{12}:[\w.-]+$/.exec(topic)?.[1];
  if (region === undefined)
    throw new RekindleError(
      "bad-input",
      `--announce-topic ${JSON.stringify(topic)} is no topic's ARN; give one such as arn:aws:sns:eu-central-1:123456789012:changes`,
    );
  return async ({ commit, message }) => {
    const sns = connected(new SNSClient(clientConfig(access, region)), access, region);
    // SNS takes subjects of 100 ASCII characters and messages of 256 KiB.
    const Subject = message
      .split("\n")[0]!
      .replace(/[^ -~]/g, "?")
      .slice(0, 100);
    const Message = `${Buffer.from(message).subarray(0, 200_000).toString()}\ncommit ${commit}\n`;
    await sns.send(new PublishCommand({ TopicArn: topic, Subject, Message }));
  };
}

/** Runs a shell command with the message on its standard input and the commit in REKINDLE_COMMIT. */
export function announceByCommand(
  command: string,
  cwd: string,
): (announcement: Announcement) => Promise<void> {
  return async ({ commit, message }) => {
    const env = { ...process.env, REKINDLE_COMMIT: commit, REKINDLE_SUBJECT: message.split("\n")[0]! };
    const finished = await run("sh", ["-c", command], { cwd, env, input: message, timeoutMs: 60_000 });
    if (succeeded(finished)) return;
    throw new RekindleError(
      "tool-failed",
      `the commit is made, and the command that announces it ${describeEnding(finished.ending)}: ${command}; ` +
        "the next run announces it again",
      { details: finished.stderr.split("\n").filter((line) => line !== "") },
    );
  };
}
