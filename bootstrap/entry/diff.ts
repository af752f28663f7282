import { diff } from "../commands/diff.ts";
import { durationSeconds } from "../config/duration.ts";
import { gitRepository } from "../edges/git.ts";
import { sshServer } from "../edges/hosts/live-files.ts";
import type { Change } from "../history/compare.ts";
import { sideBySide } from "../history/side-by-side.ts";
import { unified } from "../history/unified.ts";
import { sha256 } from "../release/digest.ts";
import type { TreeEntry } from "../release/tree.ts";
import { maskSecrets } from "../secrets/mask.ts";
import { answer, type Options } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { environmentName, projectRoot, topologyOf } from "./project.ts";
import { running } from "./shell.ts";

export interface DiffOptions extends Options {
  role?: string;
  sideBySide?: boolean;
  sshConfig?: string;
}

/** What a pipe gets, which has no width. */
const usualWidth = 120;
const patience = "2m";

/** Prints what differs; exit code 1 then, as `diff` has it. */
export async function diffCommand(before: string, after: string, options: DiffOptions): Promise<void> {
  const environment = environmentName(options.env);
  const run = running();
  const login = {
    sshConfig: options.sshConfig ?? process.env.REKINDLE_SSH_CONFIG,
    timeoutMs: 1000 * durationSeconds(patience),
    signal: run.signal,
  };
  const changes = await diff({
    before,
    after,
    role: options.role,
    environment,
    repository: gitRepository(projectRoot()),
    catalogs: async () => cloudOfShell(await topologyOf(environment), run).catalogs,
    server: (host) => sshServer(host, login),
  });
  const width = process.stdout.columns ?? usualWidth;
  const lines = options.sideBySide ? sideBySide(changes, width, maskSecrets) : unified(changes, maskSecrets);
  answer(options, { version: 1, environment, before, after, changes: changes.map(described) }, lines);
  if (changes.length > 0) process.exitCode = 1;
}

function described(change: Change) {
  const { role, path, kinds, before, after, isFilledIn } = change;
  return {
    role,
    path,
    kinds,
    before: before && attributes(before, isFilledIn),
    after: after && attributes(after, isFilledIn),
    patch: unified([change], maskSecrets),
  };
}

/** All but the content, which the patch shows as far as it may be shown: a short secret's digest would tell it. */
function attributes(entry: TreeEntry, isFilledIn: boolean) {
  const { kind, owner, group } = entry;
  if (entry.kind === "link") return { kind, owner, group, target: entry.target };
  if (entry.kind === "directory") return { kind, owner, group, mode: entry.mode };
  const { mode, content, template } = entry;
  return {
    kind,
    owner,
    group,
    mode,
    size: content.length,
    template,
    ...(isFilledIn ? {} : { sha256: sha256(content) }),
  };
}
