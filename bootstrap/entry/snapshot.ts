import { takeSnapshot } from "../commands/snapshot.ts";
import { describePoint } from "../recovery/describe-point.ts";
import { answer, type Options, say } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { seconds } from "./numbers.ts";
import { environmentName, topologyOf } from "./project.ts";
import { awsAccessOfShell, running } from "./shell.ts";
import { shellsOf } from "./shells.ts";

export interface SnapshotOptions extends Options {
  allowCrash?: boolean;
  /** `--wait` alone means an hour. */
  wait?: string | true;
  sshConfig?: string;
}

export async function snapshotCommand(options: SnapshotOptions): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const { primary } = topology.environment.regions;
  const point = await takeSnapshot({
    ...run,
    ...cloudOfShell(topology, run),
    topology,
    shellOf: shellsOf(primary, awsAccessOfShell(run), options.sshConfig ?? process.env.REKINDLE_SSH_CONFIG),
    allowCrash: options.allowCrash || process.env.REKINDLE_ALLOW_CRASH === "1",
    waitMs:
      options.wait === undefined ? 0 : 1000 * seconds("--wait", options.wait === true ? "1h" : options.wait),
    print: say(options),
  });
  answer(options, point, describePoint(point));
}
