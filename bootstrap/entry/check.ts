import { checkRegion } from "../commands/check.ts";
import type { CheckContext } from "../commands/check-context.ts";
import { checkEveryDump } from "../commands/check-dumps.ts";
import { checkEveryPoint } from "../commands/check-points.ts";
import { readConfigFiles } from "../edges/config-files.ts";
import { serviceTime } from "../edges/service-time.ts";
import { RekindleError } from "../errors.ts";
import { type Check, describeCheck } from "../recovery/check.ts";
import { trustedKeys } from "../release/trust.ts";
import { answer, type Options } from "./answer.ts";
import { cloudOfShell, regionNamed } from "./cloud.ts";
import { environmentName, projectRoot, topologyOf } from "./project.ts";
import { running } from "./shell.ts";
import { sandboxTrust } from "./signing.ts";

/** Reads everything that a recovery would need, where it would be needed. */
export async function checkCommand(options: Options & { region?: string; all?: boolean }): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const cloud = cloudOfShell(topology, run);
  const region = regionNamed(cloud.regions, options.region ?? cloud.recovery.region);
  const context: CheckContext = {
    topology,
    account: cloud.account,
    region,
    trusted: [...trustedKeys(await readConfigFiles(projectRoot())), ...(await sandboxTrust())],
    now: (await serviceTime(region.catalog.store, run.clock)).toISOString(),
  };
  const checks: Check[] = await checkRegion(context);
  if (options.all) {
    for await (const check of checkEveryPoint(context)) checks.push(check);
    checks.push(...(await checkEveryDump(context)));
  }
  answer(options, checks, checks.map(describeCheck));
  const failed = checks.filter(({ passed }) => !passed).length;
  if (failed > 0)
    throw new RekindleError(
      "failed-check",
      `${failed} of ${checks.length} checks failed: a recovery of ${topology.environment.name} in ${region.region} would lack what is named above`,
    );
}
