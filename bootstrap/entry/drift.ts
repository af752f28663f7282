import { hostOf, type SourceRule } from "../collect/sources.ts";
import {
  type CheckedServer,
  checkScript,
  type DriftReport,
  findDrift,
  type ServerToCheck,
} from "../commands/drift.ts";
import { durationSeconds } from "../config/duration.ts";
import type { Topology } from "../config/schema.ts";
import type { AwsAccess } from "../edges/aws/access.ts";
import { sshShell, ssmShell } from "../edges/hosts/host-shell.ts";
import { taggedInstances } from "../edges/hosts/instances.ts";
import { RekindleError } from "../errors.ts";
import { answer, type Options } from "./answer.ts";
import { environmentName, topologyOf } from "./project.ts";
import { awsAccessOfShell, type Running, running } from "./shell.ts";

export interface DriftOptions extends Options {
  jobs: string;
  timeout: string;
  sshConfig?: string;
}

/** Asks every live server how it differs from its release; exit code 1 unless all of them say that they don't. */
export async function driftCommand(asked: string[], options: DriftOptions): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  refuseUnknownRoles(topology, asked);
  const jobs = numberOf(options.jobs);
  const run = running();
  const patience = { timeoutMs: 1000 * secondsOf(options.timeout), signal: run.signal };
  const servers = await serversOf(topology, asked, options, run, patience);
  if (servers.length === 0)
    throw new RekindleError(
      "failed-check",
      `no live server of ${asked.join(", ") || topology.environment.name} is known: no instance has its tags, and no role collects from one; deploy, or add collect.sources`,
    );
  const { name } = topology.environment;
  const report = await findDrift({ environment: name, servers, jobs, script: checkScript() });
  answer(options, report, describe(report));
  if (report.count.none < report.servers.length) process.exitCode = 1;
}

async function serversOf(
  topology: Topology,
  asked: readonly string[],
  options: DriftOptions,
  run: Running,
  patience: { timeoutMs: number; signal: AbortSignal },
): Promise<ServerToCheck[]> {
  const access = awsAccessOfShell(run);
  const sshConfig = options.sshConfig ?? process.env.REKINDLE_SSH_CONFIG;
  const isAsked = (role: string) => asked.length === 0 || asked.includes(role);
  const shellOf = (source: SourceRule): ServerToCheck["run"] => {
    if ("ssh" in source) return sshShell(source.ssh, { ...patience, sshConfig });
    if ("ssm" in source)
      return ssmShell(source.ssm, source.region, access, { ...patience, clock: run.clock });
    return {
      unreachable: "it only pushes its configuration, and nobody can log in; run rekindle-boot --check there",
    };
  };
  const collected = Object.entries(topology.roles)
    .filter(([role]) => isAsked(role))
    .flatMap(([role, { collect }]) =>
      // A folder of this machine is no server.
      (collect?.sources ?? [])
        .filter((source) => !("folder" in source))
        .map((source) => ({ host: hostOf(source), role, run: shellOf(source) })),
    );
  const known = new Set(collected.map(({ host }) => host));
  const { regions, name } = topology.environment;
  const tagged = await Promise.all(
    [regions.primary, regions.recovery].map((region) => instancesOf(access, region, name)),
  );
  const instances = tagged
    .flat()
    .filter(({ host, role }) => !known.has(host) && (role === "" || isAsked(role)))
    .map(
      ({ region, ...server }): ServerToCheck => ({
        run: ssmShell(server.host, region, access, { ...patience, clock: run.clock }),
        ...server,
      }),
    );
  return [...collected, ...instances];
}

/** A region that does not answer stands for all servers that it may have. */
async function instancesOf(
  access: AwsAccess,
  region: string,
  environment: string,
): Promise<(Pick<ServerToCheck, "host" | "role"> & Partial<ServerToCheck> & { region: string })[]> {
  try {
    const found = await taggedInstances(access, region, environment);
    return found.map(({ id, role }) => ({ host: id, role, region }));
  } catch (error) {
    const { name, message } = error as Error;
    return [{ host: `region ${region}`, role: "", region, run: { unreachable: `${name}: ${message}` } }];
  }
}

function describe({ environment, servers, count }: DriftReport): string[] {
  return [
    ...servers.flatMap(describeServer),
    `${environment}: ${count.none} servers are as their release says, ${count.drift} drifted, ${count.unseen} could not be looked at`,
  ];
}

function describeServer(server: CheckedServer): string[] {
  const name = server.role === "" ? server.host : `${server.role} ${server.host}`;
  if (server.verdict === "unseen") return [`${name}: COULD NOT LOOK: ${server.reason}`];
  const { release, drift, services } = server.answer;
  const shown = (value: string | null | undefined) => value ?? "nothing";
  return [
    server.verdict === "none"
      ? `${name}: as release ${release} says`
      : `${name}: differs from release ${release}`,
    ...drift.map(
      ({ path, kind, expected, found }) =>
        `  ${path}: ${kind}: expected ${shown(expected)}, found ${shown(found)}`,
    ),
    ...services
      .filter(({ active }) => active !== "active")
      .map(({ unit, active, enabled }) => `  service ${unit} is ${active} (${enabled})`),
  ];
}

function refuseUnknownRoles({ roles, environment }: Topology, asked: readonly string[]): void {
  const unknown = asked.find((role) => roles[role] === undefined);
  if (unknown === undefined) return;
  throw new RekindleError(
    "bad-input",
    `environment ${environment.name} has no role ${JSON.stringify(unknown)}; name one of ${Object.keys(roles).join(", ")}`,
  );
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new RekindleError(
    "bad-input",
    `--jobs ${JSON.stringify(text)} is no number from 1 to 9999; give one such as 8`,
  );
}

function secondsOf(text: string): number {
  if (/^\d+(s|m|h|d)$/.test(text)) return durationSeconds(text);
  throw new RekindleError(
    "bad-input",
    `--timeout ${JSON.stringify(text)} is no duration; give one such as 90s or 2m`,
  );
}
