import { closeBeside, openBeside } from "../commands/restore-beside.ts";
import type { RestoreContext, RestoreRegion } from "../commands/restore-server.ts";
import { type Replaced, restoreVolume } from "../commands/restore-volume.ts";
import { durationSeconds } from "../config/duration.ts";
import type { Topology } from "../config/schema.ts";
import { driftTargets } from "../drift/targets.ts";
import type { AwsAccess } from "../edges/aws/access.ts";
import { ebsVolumes } from "../edges/aws/volumes.ts";
import { underLock } from "../edges/bucket-lock.ts";
import type { Cloud } from "../edges/cloud.ts";
import { actingShell } from "../edges/hosts/acting-shell.ts";
import { serverData } from "../edges/hosts/server-data.ts";
import { RekindleError } from "../errors.ts";
import { describeBeside } from "../restore/beside.ts";
import { describeReplacement } from "../restore/replacement.ts";
import { answer, type Options, say } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { environmentName, topologyOf } from "./project.ts";
import { serverShells } from "./server-shells.ts";
import { awsAccessOfShell, type Running, running } from "./shell.ts";
import { wishOf } from "./wish.ts";

export interface RestoreVolumeOptions extends Options {
  point?: string;
  asOf?: string;
  region?: string;
  beside?: boolean;
  detach?: boolean;
  dryRun?: boolean;
  replaceNewer?: boolean;
  sshConfig?: string;
}

/** As long as the lock of a run that was killed lasts, and a little longer. */
const lockWaitMs = 120_000;

/** Beside what the role's health check may take: stopping services, waiting for devices, mounting. */
const patienceSeconds = 20 * 60;

export async function restoreVolumeCommand(server: string, options: RestoreVolumeOptions): Promise<void> {
  if (options.detach && !options.beside)
    throw new RekindleError("bad-input", "--detach takes away what --beside has put there; add --beside");
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const cloud = cloudOfShell(topology, run);
  const print = say(options);
  const context: RestoreContext = {
    ...run,
    topology,
    server,
    wish: wishOf(options),
    account: cloud.account,
    regions: regionsOf(topology, cloud, awsAccessOfShell(run), options, run, print),
    print,
  };
  const dryRun = options.dryRun ?? false;
  if (options.detach) {
    const volumes = await closeBeside({ ...context, dryRun });
    const what = volumes.length === 0 ? "nothing lies" : `${volumes.join(", ")} ${dryRun ? "lie" : "lay"}`;
    const end = volumes.length === 0 || dryRun ? "" : "; they are detached and removed";
    answer(options, { version: 1, server, volumes, removed: !dryRun }, [
      `${what} beside the data of ${server}${end}`,
    ]);
  } else if (options.beside) {
    const plan = await openBeside({ ...context, dryRun });
    const move = `when done: rekindle restore volume ${server} --beside --detach`;
    answer(options, plan, [...describeBeside(plan), ...(dryRun ? [] : [move])]);
  } else {
    const outcome = await restoreVolume({ ...context, dryRun, replaceNewer: options.replaceNewer ?? false });
    answer(options, { version: 1, ...outcome }, describeOutcome(outcome));
  }
}

function describeOutcome(outcome: Replaced): string[] {
  const { plan } = outcome;
  if (outcome.kind === "planned") return describeReplacement(plan);
  return [
    `the data of ${plan.server} is that of ${plan.point}, and its health check passes`,
    ...plan.volumes.map(
      ({ name, present }) =>
        `  ${name} is ${outcome.volumes[name]}; before it was ${present}, which is kept, detached, and in ${outcome.before[present]}`,
    ),
  ];
}

function regionsOf(
  topology: Topology,
  cloud: Cloud,
  access: AwsAccess,
  { region: only, sshConfig }: RestoreVolumeOptions,
  run: Running,
  print: (line: string) => void,
): RestoreRegion[] {
  const sites = [cloud.primary, cloud.recovery].filter(({ region }) => only === undefined || region === only);
  if (sites.length === 0)
    throw new RekindleError(
      "bad-input",
      `--region ${JSON.stringify(only)} is no region of this environment; name ${cloud.primary.region} or ${cloud.recovery.region}`,
    );
  return sites.map(({ region, catalog, volumes }) => ({
    catalog,
    snapshots: volumes,
    volumes: ebsVolumes(access, region),
    data(server, signal) {
      const role = topology.roles[server.role]!;
      const [target] = driftTargets(new Map([[server.role, role.collect?.sources ?? []]]), [
        { ...server, region },
      ]).targets.filter(({ name }) => [server.server, server.instance].includes(name));
      const timeoutMs = 1000 * (durationSeconds(role.health.timeout) + patienceSeconds);
      const connect = serverShells(access, { ...run, signal, timeoutMs, ...(sshConfig && { sshConfig }) });
      const shell = connect(
        target ?? { kind: "ssm", role: server.role, name: server.server, instance: server.instance, region },
      );
      return serverData(server.server, shell, actingShell(shell, run.clock));
    },
    alone: ({ server }, signal, work) =>
      underLock(
        catalog.store,
        { ...run, name: `restore-${server}`, waitMs: lockWaitMs, signal, print },
        work,
      ),
  }));
}
