import { resolve } from "node:path";
import { findFilesServer } from "../commands/files-server.ts";
import { type FilesTarget, restoreFiles } from "../commands/restore-files.ts";
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
  region?: string;
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
  { toFolder, toServer, role, region: only, sshConfig }: RestoreFilesOptions,
  run: Running,
): Promise<FilesTarget> {
  if (toFolder !== undefined && toServer === undefined) return folderFiles(resolve(toFolder));
  if (toServer === undefined || toFolder !== undefined)
    throw new RekindleError("bad-input", "say where the files go: either --to-folder or --to-server");
  const access = awsAccessOfShell(run);
  const topology = await topologyOf(environment);
  const { primary, recovery } = topology.environment.regions;
  const regions = [recovery, primary].filter((region) => only === undefined || region === only);
  if (regions.length === 0)
    throw new RekindleError(
      "bad-input",
      `--region ${JSON.stringify(only)} is no region of this environment; name ${primary} or ${recovery}`,
    );
  const target = await findFilesServer(
    topology,
    role,
    toServer,
    regions.map((region) => () => ec2LiveServers(access, region)(environment)),
  );
  const options = { ...run, timeoutMs: patienceMs, ...(sshConfig === undefined ? {} : { sshConfig }) };
  const shell = serverShells(access, options)(target);
  return serverFiles(toServer, shell, actingShell(shell, run.clock));
}
