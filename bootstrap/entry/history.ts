import { type Log, readLog } from "../commands/log.ts";
import { rollBack } from "../commands/rollback.ts";
import { gitRepository } from "../edges/git.ts";
import type { LogEntry } from "../history/log.ts";
import { answer, type Options } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { environmentName, projectRoot, topologyOf } from "./project.ts";
import { running } from "./shell.ts";

/** The commands about what was live: looking back, and going back. */

export async function rollbackCommand(
  release: string | undefined,
  options: Options & { reason?: string },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const { account, catalogs } = cloudOfShell(topology, run);
  const done = await rollBack({
    topology,
    release,
    reason: options.reason ?? "",
    account,
    repository: gitRepository(projectRoot()),
    catalogs,
    clock: run.clock,
  });
  answer(options, done, [
    `${topology.environment.name} went back from release ${done.previous} to ${done.release} of commit ${done.commit.slice(0, 12)}`,
    "new servers get it from the next deployment on; running ones keep theirs until they are rolled:",
    "  npx cdktf deploy primary-stack",
  ]);
}

export async function logCommand(options: Options): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const log = await readLog(cloudOfShell(topology, running()).catalogs);
  answer(options, log, describeLog(log));
}

function describeLog({ entries, unreachable }: Log): string[] {
  return [
    ...unreachable.map((region) => `region ${region} does not answer: what runs there may be left out`),
    ...(entries.length === 0 ? ["nothing was published yet"] : entries.flatMap(describeEntry)),
  ];
}

function describeEntry(entry: LogEntry): string[] {
  const { at, kind, release, commit, author, publisher, subject, reason, servers } = entry;
  const where = servers.map(({ server, role, instance, region, outcome }) => {
    const name = server === role && instance !== null ? `${server} ${instance}` : server;
    return `${name} in ${region} (${outcome})`;
  });
  return [
    `${at} ${kind} ${release}, commit ${commit.slice(0, 12)}: ${subject}`,
    `  author ${author.name} <${author.email}>, ${kind === "publish" ? "published" : "rolled back"} by ${publisher}`,
    ...(reason === null ? [] : [`  reason: ${reason}`]),
    `  runs ${where.length === 0 ? "nowhere" : `on ${where.join(", ")}`}`,
  ];
}
