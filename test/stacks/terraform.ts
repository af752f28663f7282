import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { run } from "../../bootstrap/edges/process.ts";
import { thisMachine } from "../../bootstrap/edges/tools/context.ts";
import { ensureTerraform } from "../../bootstrap/edges/tools/ensure-terraform.ts";
import type { Synthesized } from "./builder.ts";

/**
 * Terraform on one synthesized stack, with the real provider and its state in the folder. There is no AWS, unless the
 * variables lead to one. `rewrite` puts another stack in its place, with the same state.
 */
export async function terraformOn(stack: Synthesized, variables: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-stack-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { binary, cliConfig } = await ensureTerraform(thisMachine(folder, process.env, () => undefined));
  const rewrite = (other: Synthesized) => writeFile(join(folder, "cdk.tf.json"), JSON.stringify(other));
  await rewrite(stack);
  await writeFile(
    join(folder, "state_override.tf.json"),
    JSON.stringify({ terraform: { backend: { local: {} } } }),
  );
  const env = { ...process.env, ...variables, TF_CLI_CONFIG_FILE: cliConfig, CHECKPOINT_DISABLE: "1" };
  const terraform = async (...args: string[]) => {
    const finished = await run(binary, [...args, "-no-color"], { cwd: folder, env });
    const { ending, stdout, stderr } = finished;
    return { succeeded: ending.kind === "exited" && ending.code === 0, output: stdout + stderr };
  };
  const init = await terraform("init", "-input=false");
  if (!init.succeeded) throw new Error(`terraform init failed: ${init.output}`);
  return Object.assign(terraform, { rewrite });
}
