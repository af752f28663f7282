import { lookForDrift } from "../commands/drift.ts";
import { nearest } from "../config/nearest.ts";
import type { Topology } from "../config/schema.ts";
import type { Difference } from "../drift/check.ts";
import { type DriftReport, driftFailure, type ServerDrift } from "../drift/report.ts";
import { ec2LiveServers } from "../edges/aws/live-servers.ts";
import { RekindleError } from "../errors.ts";
import { visible } from "../history/patch.ts";
import { answer, type Options } from "./answer.ts";
import { positive, seconds } from "./numbers.ts";
import { environmentName, topologyOf } from "./project.ts";
import { serverShells } from "./server-shells.ts";
import { awsAccessOfShell, running } from "./shell.ts";

export interface DriftOptions extends Options {
  jobs: string;
  timeout: string;
  sshConfig?: string;
}

/** Exits 0 only when every live server was looked at, and is as its release. */
export async function driftCommand(asked: readonly string[], options: DriftOptions): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const { name, regions } = topology.environment;
  const report = await lookForDrift({
    environment: name,
    sources: sourcesOf(topology, asked),
    regions: [regions.recovery, regions.primary].map((region) => ({
      region,
      liveServers: () => ec2LiveServers(awsAccessOfShell(run), region)(name),
    })),
    connect: serverShells(awsAccessOfShell(run), {
      ...options,
      ...run,
      timeoutMs: 1000 * seconds("--timeout", options.timeout),
    }),
    jobs: positive("--jobs", options.jobs),
  });
  answer(options, report, describeReport(report));
  const failure = driftFailure(report);
  if (failure !== undefined) throw failure;
}

function sourcesOf({ environment, roles }: Topology, asked: readonly string[]) {
  const known = Object.keys(environment.roles);
  const unknown = asked.find((role) => !known.includes(role));
  if (unknown !== undefined) {
    const meant = nearest(unknown, known);
    const move =
      meant === undefined ? `name one of ${known.join(", ")}` : `did you mean ${JSON.stringify(meant)}?`;
    throw new RekindleError(
      "bad-input",
      `environment ${environment.name} has no role ${JSON.stringify(unknown)}; ${move}`,
    );
  }
  const wanted = asked.length === 0 ? known : [...new Set(asked)];
  return new Map(wanted.map((role) => [role, roles[role]!.collect?.sources ?? []]));
}

/** What servers say is shown as it is, but for what would steer the terminal. */
function describeReport({ servers, unlisted, notAsked }: DriftReport): string[] {
  return [
    ...servers.flatMap(describeServer),
    ...unlisted.map(({ region, message }) => `COULD NOT LOOK at region ${region}: ${message}`),
    ...notAsked.map(({ role, host, reason }) => `not asked: ${host} of role ${role}: ${reason}`),
  ].map(visible);
}

function describeServer(one: ServerDrift): string[] {
  const where = one.kind === "ssm" ? `${one.instance} in ${one.region}` : "over ssh";
  const name = `${one.name} of role ${one.role} (${where})`;
  if (one.outcome === "could-not-look") return [`COULD NOT LOOK at ${name}: ${one.failure.message}`];
  const { release, drift } = one;
  if (one.outcome === "none") return [`${name} is as its release ${release}`];
  return [`DRIFT: ${name} differs from its release ${release}`, ...drift.map(describeDifference)];
}

function describeDifference({ path, kind, expected, found }: Difference): string {
  if (kind === "missing") return `  ${path} is missing`;
  if (kind === "extra") return `  ${path} is not in the release`;
  // Of contents there are digests, which nobody compares by eye.
  if (kind === "content") return `  ${path} has another content`;
  return `  ${path}: ${kind}: expected ${expected}, found ${found}`;
}
