import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { python } from "./booting-server.ts";

/** The script's Python part without its last statement, which runs it. */
const tool = /cat <<'PYTHON'\n([\s\S]*?)\ntry:\n {4}globals/.exec(
  readFileSync("cloud-init/boot", "utf8"),
)![1]!;
const botocore = `
import json, os, sys
os.environ.update(REKINDLE_ROOT="", REKINDLE_STATE="/s", REKINDLE_WORK="/w", REKINDLE_REGION="eu-central-1",
                  AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret", AWS_SESSION_TOKEN="session")
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from urllib.parse import urlsplit
exec(sys.stdin.read())
method, service, url, body = sys.argv[1:]
headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "A.B"} if body else {}
own = signed(method, service, urlsplit(url), headers, body.encode())
sent = {name: value for name, value in own.items() if name != "authorization"}
request = AWSRequest(method=method, url=url, data=body.encode(), headers=sent)
request.context["timestamp"] = own["x-amz-date"]
auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials("AKID", "secret", "session"), service, "eu-central-1")
signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
print(json.dumps([own["authorization"].rsplit("=", 1)[1], signature]))
`;
const hasBotocore = spawnSync(python, ["-c", "import botocore"]).status === 0;

describe.runIf(hasBotocore)("a request of the boot script is signed as AWS's own library signs it", () => {
  test.for([
    ["an object", "GET", "s3", "https://bucket.s3.eu-central-1.amazonaws.com/releases/a/manifest.json", ""],
    [
      "one version of an object",
      "GET",
      "s3",
      "https://bucket.s3.eu-central-1.amazonaws.com/a%20b?versionId=3HL4kqt_x.-",
      "",
    ],
    [
      "a bucket below an endpoint of one's own",
      "PUT",
      "s3",
      "http://127.0.0.1:5000/bucket/reports/web/a.json",
      "{}",
    ],
    ["a parameter", "POST", "ssm", "https://ssm.eu-central-1.amazonaws.com/", '{"Name": "/a"}'],
  ])("for %s", ([, ...request]) => {
    const { stdout, stderr } = spawnSync(python, ["-c", botocore, ...request], {
      input: tool,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    const [own, expected] = JSON.parse(stdout) as [string, string];
    expect(own).toMatch(/^[0-9a-f]{64}$/);
    expect(own).toBe(expected);
  });
});
