import { describe, expect, it } from "vitest";
import { awsSecrets } from "../../../bootstrap/edges/aws/secrets.ts";
import { systemClock } from "../../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../../bootstrap/edges/stopwatch.ts";
import { primary } from "../../builders.ts";
import { runningSandbox } from "../../sandbox/gateway.ts";

const sandbox = runningSandbox();
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** Asked without the SDK: the program only reads secrets. */
async function create(Name: string, SecretString: string): Promise<void> {
  const scope = `test/20260101/${primary}/secretsmanager/aws4_request`;
  await fetch(sandbox().endpoint, {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": "secretsmanager.CreateSecret",
      Authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify({ Name, SecretString }),
  });
}

describe("a secret", () => {
  it("is its text, or one value of its JSON, which has to be named", async () => {
    const stopwatch = new Stopwatch(systemClock);
    const secrets = awsSecrets({ endpoint: sandbox().endpoint, credentials, stopwatch }, primary);
    await create("plain", "{ no JSON");
    await create("several", '{ "username": "dumper", "password": "hush" }');
    expect(await secrets.read("secret:plain")).toBe("{ no JSON");
    expect(await secrets.read("secret:several#password")).toBe("hush");
    const whole = await secrets.read("secret:several").catch((error: Error) => error.message);
    expect(whole).toContain("secret:several#password");
    expect(whole).not.toContain("hush");
    await expect(secrets.read("secret:several#none")).rejects.toThrow('no text under "none"');
    await expect(secrets.read("secret:none")).rejects.toThrow(`is not there in ${primary}`);
  });
});
