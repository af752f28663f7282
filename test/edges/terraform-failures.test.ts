import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { errorBlocks } from "../../bootstrap/edges/terraform/diagnostics.ts";
import { terraformFailed } from "../../bootstrap/edges/terraform/failures.ts";

let dir: string;

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), "rekindle-failures-test-")), "recovery-stack");
  await mkdir(join(dir, ".terraform"), { recursive: true });
  const config = { bucket: "state-of-shop", key: "recovery-stack.tfstate" };
  await writeFile(
    join(dir, ".terraform", "terraform.tfstate"),
    JSON.stringify({ backend: { type: "s3", config } }),
  );
});

afterEach(() => rm(dirname(dir), { recursive: true, force: true }));

function failed(change: Partial<Parameters<typeof terraformFailed>[0]> & { stderr?: string }) {
  const { stderr = "", ...rest } = change;
  const finished = { ending: { kind: "exited", code: 1 } as const, stdout: "", stderr };
  return terraformFailed({
    binary: "/usr/bin/terraform",
    verb: "apply",
    dir,
    finished,
    events: [],
    released: undefined,
    stopped: false,
    ...rest,
  });
}

describe("a failed terraform", () => {
  it("names the state from which the next run resumes", async () => {
    const error = await failed({ stderr: "Error: no such subnet\n" });
    expect(error.message).toBe(
      "terraform apply of recovery-stack exited with 1; correct what the lines below name, " +
        "then run the same command again: it resumes from the state in s3://state-of-shop/recovery-stack.tfstate",
    );
    expect(error.details).toEqual(["no such subnet"]);
  });

  it("asks for the foundation when the state's bucket is not there", async () => {
    const stderr =
      'Error: Failed to get existing workspaces: S3 bucket "state-of-shop" does not exist.\n\nThe referenced S3 bucket must\n';
    const error = await failed({ verb: "init", stderr });
    expect(error.message).toContain(
      'the bucket "state-of-shop" does not exist: deploy the environment\'s foundation first',
    );
  });

  it("names the lock, its holder and the command that removes a stale one", async () => {
    const stderr = [
      "Error: Error acquiring the state lock",
      "",
      "Error message: operation error S3: PutObject, https response error StatusCode: 412",
      "Lock Info:",
      "  ID:        f93c44ba-fc87",
      "  Path:      state-of-shop/recovery-stack.tfstate",
      "  Operation: OperationTypeApply",
      "  Who:       ann@laptop",
      "  Created:   2026-11-24 00:47:19 +0000 UTC",
      "",
    ].join("\n");
    const error = await failed({ stderr });
    expect(error.message).toContain("ann@laptop holds the state's lock since 2026-11-24 00:47:19 +0000 UTC");
    expect(error.message).toContain(`\`terraform -chdir=${dir} force-unlock -force f93c44ba-fc87\``);
  });

  it("says what a kill may have cost", async () => {
    const released = { id: "f93c", who: "ann@laptop", created: "now", operation: "OperationTypeApply" };
    const finished = { ending: { kind: "killed", signal: "SIGKILL" } as const, stdout: "", stderr: "" };
    const error = await failed({ finished, released });
    expect(error.message).toMatch(
      /was killed by SIGKILL; run the same command again: it resumes from the state in s3:/,
    );
    expect(error.details).toEqual([
      expect.stringContaining("lock f93c"),
      expect.stringContaining("every 20 seconds"),
    ]);
  });

  it("tells an error once, without the box around it", () => {
    const boxed = "╷\n│ Warning: old\n│ \n╵\n╷\n│ Error: no such subnet\n│ \n│   with aws_subnet.a,\n╵\n";
    expect(errorBlocks(boxed)).toEqual(["no such subnet\n  with aws_subnet.a,"]);
  });
});
