import { describe, expect, it } from "vitest";
import { clonedProject } from "./cloned-project.ts";

/** Plain cdktf, plain Terraform, plain rekindle. */
describe("plain cdktf in a sandbox's shell", () => {
  const { shell, mustRun } = clonedProject();

  it("refuses to rebuild before there is a recovery point, and deploys nothing", async () => {
    await mustRun("npx cdktf deploy foundation-stack --auto-approve");
    const refused = await shell("npx cdktf deploy recovery-stack --auto-approve");
    expect(refused.ending).not.toEqual({ kind: "exited", code: 0 });
    expect(refused.stdout + refused.stderr).toContain("there is no recovery point in eu-central-1");
    const plan = await shell("npx rekindle plan");
    expect(plan.ending).toEqual({ kind: "exited", code: 3 });
  });

  it("rebuilds while the primary region is cut off, and has nothing to do the second time", async () => {
    await mustRun("npx rekindle publish && npx rekindle bake");
    await mustRun("npx cdktf deploy primary-stack --auto-approve");
    // Rows of the emulator have no agent that could freeze anything; `sandbox env` says that it will do.
    expect(await mustRun("npx rekindle snapshot")).toContain("SSM does not know it in eu-west-1");
    await mustRun("npx rekindle sandbox cut eu-west-1");
    expect(await mustRun("npx cdktf deploy recovery-stack --auto-approve")).toContain("Apply complete!");
    expect(await mustRun("npx cdktf deploy recovery-stack --auto-approve")).toContain("No changes.");
    expect(await mustRun("npx rekindle verify")).not.toContain("FAILED");
    expect(await mustRun("npx rekindle sandbox requests")).not.toContain(" lost ");
  });

  it("keeps its plan when a newer point exists, until another plan is asked for", async () => {
    await mustRun("npx rekindle sandbox restore eu-west-1 && npx rekindle snapshot");
    expect(await mustRun("npx cdktf deploy recovery-stack --auto-approve")).toContain("No changes.");
    await mustRun("npx rekindle plan && npx cdktf synth");
    const terraform =
      "cd cdktf.out/stacks/recovery-stack && terraform init -input=false >/dev/null && terraform plan -input=false -no-color";
    expect(await mustRun(terraform)).toContain("aws_instance");
  });
});
