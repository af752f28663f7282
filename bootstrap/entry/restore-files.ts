import { resolve } from "node:path";
import { type FilesTarget, restoreFiles } from "../commands/restore-files.ts";
import type { Topology } from "../config/schema.ts";
import { driftTargets, type Target } from "../drift/targets.ts";
import { ec2LiveServers } from "../edges/aws/live-servers.ts";
import { readConfigFiles } from "../edges/config-files.ts";
import { folderFiles } from "../edges/folder-files.ts";
import { gitRepository } from "../edges/git.ts";
import { actingShell } from "../edges/hosts/acting-shell.ts";
import { serverFiles } from "../edges/hosts/server-files.ts";
import { RekindleError } from "../errors.ts";
import type { Change } from "../history/compare.ts";
import { unified } from "../history/unified.ts";
import { trustedKeys } from "../release/trust.ts";
import { maskSecrets } from "../secrets/mask.ts";
import { answer, type Options } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { environmentName, projectRoot, topologyOf } from "./project.ts";
import { serverShells } from "./server-shells.ts";
import { awsAccessOfShell, type Running, running } from "./shell.ts";
import { sandboxTrust } from "./signing.ts";

export interface RestoreFilesOptions extends Options {
  role: string;
  toFolder?: string;
  toServer?: string;
  dryRun?: boolean;
  sshConfig?: string;
}

const patienceMs = 5 * 60 * 1000;

export async function restoreFilesCommand(
  state: string,
  paths: readonly string[],
  options: RestoreFilesOptions,
): Promise<void> {
  const environment = environmentName(options.env);
  const run = running();
  const { from, changes, kept } = await restoreFiles({
    state,
    role: options.role,
    paths,
    environment,
    repository: gitRepository(projectRoot()),
    catalogs: async () => {
      const { recovery, primary } = cloudOfShell(await topologyOf(environment), run);
      return [recovery.catalog, primary.catalog];
    },
    trusted: async () => [...trustedKeys(await readConfigFiles(projectRoot())), ...(await sandboxTrust())],
    target: await targetOf(environment, options, run),
    dryRun: options.dryRun ?? false,
  });
  const files = changes.map(({ path, kinds }) => ({ path, kinds }));
  answer(
    options,
    {
      version: 1,
      environment,
      role: options.role,
      from,
      dryRun: options.dryRun ?? false,
      files,
      kept: kept ?? null,
    },
    options.dryRun ? unified(changes, maskSecrets) : describeRestored(from, changes, kept, options),
  );
}

function describeRestored(
  from: string,
  changes: readonly Change[],
  kept: string | undefined,
  { toServer, toFolder }: RestoreFilesOptions,
): string[] {
  const where = toServer ?? resolve(toFolder!);
  if (changes.length === 0) return [`nothing differs from ${from} in ${where}`];
  return [
    ...changes.map(({ path, kinds }) => `${path}: ${kinds.join(", ")}`),
    `${changes.length} of ${from} restored to ${where}`,
    ...(kept === undefined ? [] : [`copies of what was replaced are in ${kept} on ${where}`]),
    ...(toServer === undefined
      ? ["templates are there as they are, and owners are not set"]
      : [
          "no service was restarted; rekindle-boot puts the files of the server's own release back when it runs again",
        ]),
  ];
}

async function targetOf(
  environment: string,
  { toFolder, toServer, role, sshConfig }: RestoreFilesOptions,
  run: Running,
): Promise<FilesTarget> {
  if (toFolder !== undefined && toServer === undefined) return folderFiles(resolve(toFolder));
  if (toServer === undefined || toFolder !== undefined)
    throw new RekindleError("bad-input", "say where the files go: either --to-folder or --to-server");
  const access = awsAccessOfShell(run);
  const target = await serverTarget(await topologyOf(environment), role, toServer, run);
  const options = { ...run, timeoutMs: patienceMs, ...(sshConfig === undefined ? {} : { sshConfig }) };
  const shell = serverShells(access, options)(target);
  return serverFiles(toServer, shell, actingShell(shell, run.clock));
}

const sshPrefix = "ssh:";

/** `ssh:<host>`, or a server of the role as `drift` names it. */
async function serverTarget(
  { environment, roles }: Topology,
  role: string,
  name: string,
  run: Running,
): Promise<Target> {
  if (name.startsWith(sshPrefix)) {
    const host = name.slice(sshPrefix.length);
    if (/^[A-Za-z0-9][\w.@:-]*$/.test(host)) return { kind: "ssh", role, name, host };
    throw new RekindleError(
      "bad-input",
      `${JSON.stringify(name)} names no host; write ssh:<host as ssh knows it>`,
    );
  }
  const { regions } = environment;
  const access = awsAccessOfShell(run);
  const live = await Promise.all(
    [regions.recovery, regions.primary].map((region) => ec2LiveServers(access, region)(environment.name)),
  );
  const { targets } = driftTargets(new Map([[role, roles[role]?.collect?.sources ?? []]]), live.flat());
  const found = targets.filter((one) => one.name === name || (one.kind === "ssm" && one.instance === name));
  if (found.length === 1) return found[0]!;
  const known = targets.map((one) =>
    one.kind === "ssm" ? `${one.name} (${one.instance} in ${one.region})` : one.name,
  );
  throw new RekindleError(
    "bad-input",
    found.length > 1
      ? `${name} runs more than once; name its instance: ${known.join(", ")}`
      : `no server ${JSON.stringify(name)} of role ${role} is known; ` +
          `${known.length === 0 ? "none runs" : `name one of ${known.join(", ")}`}, or write ssh:<host as ssh knows it>`,
  );
}
