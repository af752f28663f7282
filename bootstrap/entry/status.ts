import { join } from "node:path";
import { inParallel } from "../collect/in-parallel.ts";
import { environmentStatus, type StatusContext, type StatusRegion } from "../commands/status.ts";
import { environmentNames } from "../config/files.ts";
import type { Topology } from "../config/schema.ts";
import { awsCapacity } from "../edges/aws/capacity.ts";
import { awsPermissions } from "../edges/aws/permissions.ts";
import { recoveryParts } from "../edges/aws/recovery-parts.ts";
import type { CloudRegion } from "../edges/cloud.ts";
import { readConfigFiles } from "../edges/config-files.ts";
import { newestGameDayHere, newestKeptGameDay } from "../edges/gameday-records.ts";
import { RekindleError } from "../errors.ts";
import { statusLines } from "../status/lines.ts";
import { worst } from "../status/outcome.ts";
import { prometheusText } from "../status/prometheus.ts";
import { complaints, type Status } from "../status/status.ts";
import { answer, type Options } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { loadOrRefuse, projectRoot, stateFolder } from "./project.ts";
import { awsAccessOfShell, type Running, running } from "./shell.ts";

/** Environments are looked at side by side, each with dozens of calls. */
const environmentsAtOnce = 4;

/** Exits 0 only when everything was looked at and is well. */
export async function statusCommand(
  options: Options & { prometheus?: boolean; region?: string },
): Promise<void> {
  const run = running();
  const topologies = await environmentsOf(options);
  const looked = await inParallel(environmentsAtOnce, topologies, (topology) =>
    environmentStatus(contextOf(topology, options.region, run)),
  );
  const told = looked.map((one) => one.told).find(({ kind }) => kind === "seen");
  const environments = looked.map(({ status }) => status);
  const status: Status = {
    version: 1,
    ...(told?.kind === "seen" ? { at: told.value.now, clockAheadSeconds: told.value.aheadSeconds } : {}),
    outcome: worst(environments.map(({ outcome }) => outcome)),
    environments,
  };
  if (options.prometheus) process.stdout.write(prometheusText(status));
  else answer(options, status, statusLines(status));
  if (status.outcome !== "passed") throw notWell(status);
}

/** The one that is named; else all of the project that have the region, if one is asked for. */
async function environmentsOf({ env, region }: Options & { region?: string }): Promise<Topology[]> {
  const files = await readConfigFiles(projectRoot());
  const named = env ?? process.env.REKINDLE_ENV ?? "";
  const names = named === "" ? environmentNames(files) : [named];
  const all = names.map((name) => loadOrRefuse(files, name));
  const there = all.filter(({ environment: { regions } }) =>
    [undefined, regions.primary, regions.recovery].includes(region),
  );
  if (there.length > 0) return there;
  throw new RekindleError(
    "bad-input",
    region === undefined
      ? "the project has no environment; describe one in configs/environments/<name>.yaml"
      : `--region ${JSON.stringify(region)} is no region of ${names.join(", ")}; name one of theirs, or leave it out`,
  );
}

/** Without a region one would rebuild in the recovery region; the other one is asked how old its data is. */
function contextOf(topology: Topology, wanted: string | undefined, run: Running): StatusContext {
  const access = awsAccessOfShell(run);
  const cloud = cloudOfShell(topology, run);
  const connect = ({ region, catalog, backups }: CloudRegion): StatusRegion => ({
    backups,
    region,
    catalog,
    parts: recoveryParts(access, region),
    capacity: awsCapacity(access, region),
    permissions: awsPermissions(access, region),
    rehearsed: () => newestKeptGameDay(catalog.store),
  });
  const regions = [cloud.recovery, cloud.primary].filter(({ region }) =>
    [undefined, region].includes(wanted),
  );
  return {
    topology,
    account: cloud.account,
    regions: regions.map(connect),
    state: cloud.state,
    rehearsedHere: () => newestGameDayHere(join(stateFolder(), "gamedays"), topology.environment.name),
    clock: run.clock,
  };
}

function notWell(status: Status): RekindleError {
  const found = complaints(status);
  const failed = found.filter(({ outcome }) => outcome === "failed");
  const details = found.map(({ text }) => text);
  return failed.length > 0
    ? new RekindleError(
        "failed-check",
        `${failed.length} of the checks failed, ${found.length - failed.length} could not be made`,
        { details },
      )
    : new RekindleError(
        "unreachable",
        `nothing is known to be wrong, but ${found.length} checks could not be made`,
        { details },
      );
}
