import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TerraformContext, terraformEnvironment, terraformIn } from "../../bootstrap/edges/terraform.ts";
import { thisMachine } from "../../bootstrap/edges/tools/context.ts";
import { ensureTerraform } from "../../bootstrap/edges/tools/ensure-terraform.ts";
import { RekindleError } from "../../bootstrap/errors.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rekindle-terraform-test-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const binary = process.env.REKINDLE_TERRAFORM || "terraform";

function terraform(change: Partial<TerraformContext> = {}) {
  return terraformIn({ binary, cliConfig: undefined, env: process.env, ...change });
}

function withVariables(variables: Record<string, string>): Partial<TerraformContext> {
  const named = Object.entries(variables).map(([name, value]) => [`TF_VAR_${name}`, value]);
  return { env: { ...process.env, ...Object.fromEntries(named) } };
}

/** Two steps, the second after the first; it writes Terraform's process id, and can be told to wait. */
const twoSteps = `
variable "allowed" { default = true }
variable "seconds" { default = 0 }
resource "terraform_data" "first" {
  input = "made"
  lifecycle {
    precondition {
      condition     = var.allowed
      error_message = "no recovery point is complete"
    }
  }
}
resource "terraform_data" "second" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = "echo $PPID > pid; i=0; while [ $i -lt \${var.seconds * 10} ] && kill -0 $PPID; do sleep 0.1; i=$((i+1)); done"
  }
}
output "made" { value = terraform_data.first.output }
output "hidden" {
  value     = "kept"
  sensitive = true
}
`;

async function given(configuration = twoSteps): Promise<void> {
  await writeFile(join(dir, "main.tf"), configuration);
  await terraform().init(dir);
}

async function terraformsPid(): Promise<number> {
  await vi.waitUntil(
    () => existsSync(join(dir, "pid")) && readFileSync(join(dir, "pid"), "utf8").trim() !== "",
    20_000,
  );
  return Number(readFileSync(join(dir, "pid"), "utf8"));
}

async function failure(work: Promise<unknown>): Promise<RekindleError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RekindleError);
  return error as RekindleError;
}

describe("terraform", () => {
  it("counts what it did, and does nothing the second time", async () => {
    await given();
    const lines: string[] = [];
    expect(await terraform().hasChanges(dir)).toBe(true);
    expect(await terraform().apply(dir, (line) => lines.push(line))).toEqual({
      added: 2,
      changed: 0,
      destroyed: 0,
    });
    expect(lines).toContain("Apply complete! Resources: 2 added, 0 changed, 0 destroyed.");
    expect(await terraform().hasChanges(dir)).toBe(false);
    expect(await terraform().apply(dir)).toEqual({ added: 0, changed: 0, destroyed: 0 });
    expect(await terraform().output(dir)).toEqual({ made: "made", hidden: "kept" });
    expect(await terraform().destroy(dir)).toEqual({ added: 0, changed: 0, destroyed: 2 });
  });

  it("names the step, terraform's own reason and the next move when it fails", async () => {
    await given();
    const error = await failure(terraform(withVariables({ allowed: "false" })).apply(dir));
    expect(error.kind).toBe("tool-failed");
    expect(error.message).toMatch(
      /^terraform apply of \S+ exited with 1; .* run the same command again: it resumes from/,
    );
    expect(error.details).toEqual([
      'Resource precondition failed (resource "terraform_data" "first")',
      "no recovery point is complete",
    ]);
  });

  it("resumes after it was killed", async () => {
    await given();
    const applying = failure(terraform(withVariables({ seconds: "30" })).apply(dir));
    process.kill(await terraformsPid(), "SIGKILL");
    expect((await applying).message).toMatch(/was killed by SIGKILL; run the same command again/);
    // The second one had been begun: Terraform knows it as tainted, or not at all.
    expect(await terraform().apply(dir)).toMatchObject({ added: 1, changed: 0 });
    expect(await terraform().hasChanges(dir)).toBe(false);
  });

  it("writes its state when it is asked to stop", async () => {
    await given();
    const stopping = new AbortController();
    const applying = failure(
      terraform({ ...withVariables({ seconds: "30" }), signal: stopping.signal }).apply(dir),
    );
    await terraformsPid();
    stopping.abort();
    expect((await applying).message).toMatch(
      /exited with 1; it was asked to stop and kept its state; run the same command again/,
    );
    expect(readFileSync(join(dir, "terraform.tfstate"), "utf8")).toContain('"name": "first"');
    expect(await terraform().apply(dir)).toMatchObject({ added: 1, changed: 0 });
  });

  it("starts nothing after it was asked to stop", async () => {
    await given();
    const error = await failure(terraform({ signal: AbortSignal.abort() }).apply(dir));
    expect(error.message).toContain("stopped before");
    expect(existsSync(join(dir, "terraform.tfstate"))).toBe(false);
  });

  it("says who holds the lock, and how to remove a stale one", async () => {
    await given();
    const stopping = new AbortController();
    const applying = failure(
      terraform({ ...withVariables({ seconds: "30" }), signal: stopping.signal }).apply(dir),
    );
    await terraformsPid();
    const error = await failure(terraform({ lockTimeoutSeconds: 0 }).apply(dir));
    expect(error.message).toMatch(
      /holds the state's lock since .*OperationTypeApply.*wait if that run is alive.*force-unlock -force \S+`/,
    );
    stopping.abort();
    await applying;
  });

  it("says how to go on when there is no terraform", async () => {
    const error = await failure(terraform({ binary: "/nowhere/terraform" }).init(dir));
    expect(error.kind).toBe("missing-tool");
    expect(error.message).toMatch(/"\/nowhere\/terraform" could not start: .*rekindle doctor/);
  });

  it.each([
    "nothing.tfrc",
    ".",
    "garbage.tfrc",
  ])("is not led astray by a TF_CLI_CONFIG_FILE that names %s", async (name) => {
    await writeFile(join(dir, "garbage.tfrc"), "provider_installation {{{");
    await writeFile(join(dir, "main.tf"), twoSteps);
    const env = {
      ...process.env,
      TF_CLI_CONFIG_FILE: join(dir, name),
      TF_CLI_ARGS: "-destroy",
      TF_DATA_DIR: "/nowhere",
    };
    await terraform({ env }).init(dir);
    expect(await terraform({ env }).apply(dir)).toMatchObject({ added: 2 });
  });

  it("gets the AWS provider without the user's hands, twice", async () => {
    await writeFile(
      join(dir, "main.tf"),
      `terraform {\n  required_providers {\n    aws = {\n      source  = "aws"\n      version = "5.100.0"\n    }\n  }\n}\n`,
    );
    const found = await ensureTerraform(thisMachine(dir, process.env, () => undefined));
    const ours = terraform(found);
    await ours.init(dir);
    await ours.init(dir);
    expect(readFileSync(join(dir, ".terraform.lock.hcl"), "utf8")).toContain('version     = "5.100.0"');
  });
});

describe("the environment of terraform", () => {
  it("keeps what is AWS's and drops what would change a command's meaning", () => {
    const env = terraformEnvironment({
      cliConfig: "/ours.rc",
      env: {
        AWS_REGION: "eu-west-1",
        TF_CLI_ARGS_apply: "-destroy",
        TF_WORKSPACE: "other",
        TF_LOG: "trace",
        TF_VAR_a: "1",
      },
    });
    expect(env).toMatchObject({
      AWS_REGION: "eu-west-1",
      TF_VAR_a: "1",
      TF_CLI_CONFIG_FILE: "/ours.rc",
      TF_IN_AUTOMATION: "1",
    });
    expect(Object.keys(env)).not.toContain("TF_CLI_ARGS_apply");
    expect(Object.keys(env)).not.toContain("TF_WORKSPACE");
    expect(Object.keys(env)).not.toContain("TF_LOG");
  });
});
