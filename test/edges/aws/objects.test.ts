import { expect, it } from "vitest";
import { s3Store } from "../../../bootstrap/edges/aws/objects.ts";
import { systemClock } from "../../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../../bootstrap/edges/stopwatch.ts";
import { runningSandbox } from "../../sandbox/gateway.ts";

const sandbox = runningSandbox();

it.each([
  ["get", (store: ReturnType<typeof s3Store>) => store.get("current.json")],
  ["list", (store: ReturnType<typeof s3Store>) => store.list("")],
])("says what to do about a bucket that is not there, at a %s too", async (_case, call) => {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const access = { endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) };
  await expect(call(s3Store(access, "eu-west-1", "nobodys", "123456789012"))).rejects.toMatchObject({
    kind: "refused",
    message: expect.stringContaining("bucket nobodys in eu-west-1 does not exist; nothing was written"),
  });
});
