import { CreateTagsCommand, RunInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { tags } from "../../bootstrap/config/names.ts";
import { ec2LiveServers } from "../../bootstrap/edges/aws/live-servers.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { primary, recovery } from "../builders.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";

describe("live servers", () => {
  const sandbox = runningSandbox();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const live = (region: string) =>
    ec2LiveServers(
      { endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) },
      region,
    )("shop");

  it("are the environment's instances that run, by role and name; builders and other regions' are not", async () => {
    const { ec2 } = clients(sandbox().endpoint, primary);
    const launch = async (labels: Record<string, string>) => {
      const { Instances } = await ec2.send(
        new RunInstancesCommand({ ImageId: "ami-12c6146b", MinCount: 1, MaxCount: 1 }),
      );
      const id = Instances![0]!.InstanceId!;
      const Tags = Object.entries(labels).map(([Key, Value]) => ({ Key, Value }));
      if (Tags.length > 0) await ec2.send(new CreateTagsCommand({ Resources: [id], Tags }));
      return id;
    };
    const shop = { [tags.environment]: "shop" };
    const fleet = await launch({ ...shop, [tags.role]: "web" });
    const fixed = await launch({ ...shop, [tags.role]: "db", [tags.server]: "db-0" });
    const gone = await launch({ ...shop, [tags.role]: "web" });
    await launch(shop);
    await launch({ [tags.environment]: "ledger", [tags.role]: "web" });
    await launch({});
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [gone] }));
    expect(await live(primary)).toEqual([
      { instance: fixed, region: primary, role: "db", server: "db-0", launchedAt: expect.any(String) },
      { instance: fleet, region: primary, role: "web", server: "web", launchedAt: expect.any(String) },
    ]);
    expect(await live(recovery)).toEqual([]);
  });
});
