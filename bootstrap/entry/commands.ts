import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bake } from "../commands/bake.ts";
import { describePlan, makePlan } from "../commands/plan.ts";
import { synthesisInput, writeSynthesisInput } from "../commands/synth-input.ts";
import { verify } from "../commands/verify.ts";
import type { Cloud } from "../edges/cloud.ts";
import { forgetOtherBackends } from "../edges/terraform/backends.ts";
import { holdsResources } from "../edges/terraform-state.ts";
import { RekindleError } from "../errors.ts";
import { encodeJson } from "../json.ts";
import { describeCheck } from "../recovery/check.ts";
import type { RecoveryPlan } from "../recovery/plan.ts";
import { answer, type Options, say } from "./answer.ts";
import { cloudOfShell, siteOf } from "./cloud.ts";
import { environmentName, stateFolder, topologyOf } from "./project.ts";
import { running } from "./shell.ts";
import { committedForShell } from "./signing.ts";
import { wishOf } from "./wish.ts";

/** The commands that work on an environment in AWS: each builds its edges, runs its story, and prints the outcome. */

export async function bootstrapCommand(options: Options): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const { environment } = topology;
  const cloud = cloudOfShell(topology, running());
  await cloud.account.demand(environment.account, environment.regions.recovery);
  const outcome = await cloud.ensureStateBucket();
  console.log(
    `state bucket ${cloud.state.bucket} in ${cloud.state.region}: ${outcome === "created" ? "created" : "already there, settings put again"}`,
  );
}

export async function bakeCommand(options: Options & { commit?: string }): Promise<void> {
  const project = await committedForShell(options);
  const run = running();
  const { places } = cloudOfShell(project.topology, run);
  const baked = await bake({
    ...project,
    ...run,
    places,
    builderLimitSeconds: 45 * 60,
    print: say(options),
  });
  answer(options, baked, [
    `${baked.baked.length} images baked, ${baked.copied.length} copied, ${baked.upToDate.length} up to date`,
  ]);
}

export async function planCommand(
  options: Options & { asOf?: string; point?: string; region?: string; out?: string },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const cloud = cloudOfShell(topology, run);
  const region = options.region ?? cloud.recovery.region;
  const { catalog, backups } = siteOf(cloud, region);
  const plan = await makePlan({
    topology,
    catalog,
    backups,
    pinTo: cloud.recovery.catalog,
    recoveryDeployed: recoveryDeployed(cloud),
    account: cloud.account,
    wish: wishOf(options),
    clock: run.clock,
  });
  if (options.out !== undefined) await writePlanFile(options.out, plan);
  answer(options, plan, describePlan(plan));
}

export async function verifyCommand(options: Options): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const cloud = cloudOfShell(topology, running());
  const pinned = await cloud.recovery.catalog.pinnedPlan();
  if (pinned === undefined) {
    throw new RekindleError(
      "no-recovery-point",
      `no plan of ${topology.environment.name} is pinned; make one: rekindle plan`,
    );
  }
  const checks = await verify({ topology, cloud, pins: pinned.plan.pins });
  answer(options, checks, checks.map(describeCheck));
  const failed = checks.filter(({ passed }) => !passed).length;
  if (failed > 0)
    throw new RekindleError(
      "failed-check",
      `${failed} of ${checks.length} checks against plan ${pinned.plan.id} failed`,
    );
}

export async function synthInputCommand(options: Options): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const cloud = cloudOfShell(topology, run);
  const input = await synthesisInput({
    topology,
    catalog: cloud.recovery.catalog,
    backups: cloud.recovery.backups,
    recoveryDeployed: recoveryDeployed(cloud),
    clock: run.clock,
    print: (line) => console.error(line),
  });
  await forgetOtherBackends(process.env.CDKTF_OUTDIR ?? "cdktf.out", cloud.state.bucket);
  await writeSynthesisInput(
    process.env.REKINDLE_SYNTHESIS_INPUT ?? join(stateFolder(), "synthesis.json"),
    input,
  );
}

async function writePlanFile(path: string, plan: RecoveryPlan): Promise<void> {
  try {
    await writeFile(path, encodeJson(plan));
  } catch (cause) {
    throw new RekindleError(
      "bad-input",
      `--out ${JSON.stringify(path)} cannot be written (${(cause as Error).message}); plan ${plan.id} is pinned all the same, and in the catalog`,
      { cause },
    );
  }
}

function recoveryDeployed({ state }: Cloud): () => Promise<boolean> {
  return () => holdsResources(state, "recovery-stack.tfstate");
}
