import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { expect, test } from "vitest";
import { systemClock } from "../../../bootstrap/edges/clock.ts";
import { announceToTopic } from "../../../bootstrap/edges/hosts/announce.ts";
import { Stopwatch } from "../../../bootstrap/edges/stopwatch.ts";
import { runningSandbox } from "../../sandbox/gateway.ts";

const sandbox = runningSandbox();
const access = () => ({
  endpoint: sandbox().endpoint,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  stopwatch: new Stopwatch(systemClock),
});
const announcement = { commit: "a".repeat(40), message: "Collect 1 file of wäb (web-1)\n\nmore\n" };

test("a topic is told of a commit, and one that is not there is an error", async () => {
  const sns = new SNSClient({ ...access(), region: "eu-central-1" });
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "changes" }));
  await announceToTopic(access(), TopicArn!)(announcement);
  await expect(announceToTopic(access(), `${TopicArn}-not`)(announcement)).rejects.toThrow(
    /does not exist|NotFound/i,
  );
});

test("what is no topic is refused before anything is collected", () => {
  expect(() => announceToTopic(access(), "changes")).toThrow('--announce-topic "changes" is no topic\'s ARN');
});
