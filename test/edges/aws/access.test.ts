import { afterEach, expect, it, vi } from "vitest";
import { awsAccount } from "../../../bootstrap/edges/aws/account.ts";
import { systemClock } from "../../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../../bootstrap/edges/stopwatch.ts";
import { RekindleError } from "../../../bootstrap/errors.ts";

const demand = (access = {}) =>
  awsAccount({ stopwatch: new Stopwatch(systemClock), ...access })
    .demand("123456789012", "eu-west-1")
    .then(
      () => expect.unreachable("it succeeded"),
      (error: unknown) => error,
    );

afterEach(() => vi.unstubAllEnvs());

it.each([
  ["no credentials at all", ""],
  ["a profile that is not there", "nobody"],
])("says what to do about %s", async (_case, profile) => {
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"])
    vi.stubEnv(name, undefined);
  for (const name of ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]) vi.stubEnv(name, "/dev/null");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_PROFILE", profile || undefined);
  const error = await demand();
  expect(error).toBeInstanceOf(RekindleError);
  expect(error).toMatchObject({ kind: "refused" });
  expect((error as RekindleError).message).toMatch(
    /^there are no AWS credentials to use \(.+\); .*AWS_PROFILE/,
  );
});
