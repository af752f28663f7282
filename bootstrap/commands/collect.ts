import { join } from "node:path";
import { editAttributes } from "../collect/attributes.ts";
import { describeChange, differenceLine, ofSelection, rolePaths } from "../collect/change.ts";
import type { FindSecrets } from "../collect/cleanse.ts";
import { type Collected, collectedPath, readCollected, writeCollected } from "../collect/collected.ts";
import type { Found } from "../collect/entry.ts";
import { type FailureKind, HostFailure } from "../collect/failure.ts";
import { type Selection, selection } from "../collect/globs.ts";
import { inParallel } from "../collect/in-parallel.ts";
import { commitMessage, type RoleChange } from "../collect/message.ts";
import { type CollectPlan, planCollection, wantedAttributes } from "../collect/plan.ts";
import { attributesPath } from "../config/files.ts";
import type { Role } from "../config/schema.ts";
import type { Commits } from "../edges/git-commit.ts";
import type { Announcement } from "../edges/hosts/announce.ts";
import type { Aside } from "../edges/hosts/aside.ts";
import { cleaning } from "../edges/hosts/cleaning.ts";
import { collectHost } from "../edges/hosts/collect-host.ts";
import { noteIntention, readIntention } from "../edges/hosts/intention.ts";
import {
  applyToRoleFiles,
  type RoleFiles,
  readRoleFiles,
  readText,
  replaceText,
} from "../edges/hosts/role-files.ts";
import type { Source } from "../edges/hosts/source.ts";
import { RekindleError } from "../errors.ts";

/** One role, and the hosts that it is collected from. */
export interface RoleToCollect {
  role: string;
  rules: NonNullable<Role["collect"]>;
  /** All of its hosts in order; `sources` are those that are looked at this time. */
  hosts: readonly string[];
  sources: readonly Source[];
}

export interface CollectContext {
  /** The project's folder. */
  root: string;
  roles: readonly RoleToCollect[];
  commits: Commits;
  aside: Aside;
  /** Where a run notes what it is about to do. */
  intentionFile: string;
  /** Finds what looks like a secret, but not what the project allows. Paths are those in the repository. */
  findSecrets: FindSecrets;
  /** How many hosts are looked at at a time. */
  jobs: number;
  announce: ((announcement: Announcement) => Promise<void>) | undefined;
  print(line: string): void;
}

export interface HostReport {
  role: string;
  host: string;
  outcome: "collected" | "failed";
  /** Why it failed. */
  failure?: { kind: FailureKind; message: string };
  files: number;
  /** Sockets and the like are told here too; only a loss is configuration that is missing now. */
  leftOut: readonly { path: string; reason: string; isLoss: boolean }[];
  /** Where values must be put that files now refer to. */
  references: readonly { path: string; line: number; rule: string; name: string }[];
}

export interface CollectReport {
  version: 1;
  /** The commit that this run made; nothing when nothing had changed. */
  commit?: string;
  hosts: HostReport[];
  roles: { role: string; reference: string; differences: Collected["differences"] }[];
  /** Roles whose files were left alone, and why. */
  refusals: { role: string; message: string }[];
}

/** Brings the hosts' configuration into the work tree, each file whole or not at all, and makes one commit of it. */
export async function collect(context: CollectContext): Promise<CollectReport> {
  const { commits, intentionFile, print } = context;
  const unfinished = await readIntention(intentionFile);
  if (unfinished.roles.length > 0) await commits.breakLocks();
  await announceLate(context, unfinished.announce);
  const report: CollectReport = { version: 1, hosts: [], roles: [], refusals: [] };
  const roles = await openRoles(context, unfinished.roles, report);
  const found = await lookAtHosts(context, roles, report);

  const decided = roles.flatMap((role) => decide(role, found.get(role.role)!));
  const touched = [...new Set([...unfinished.roles, ...decided.map(({ role }) => role)])];
  await noteIntention(intentionFile, { version: 1, roles: touched });
  const changes: (RoleChange & { commitPaths: string[] })[] = [];
  const left = new Set(touched);
  for (const { role, ...one } of decided) {
    const { reference, collected } = one.plan;
    report.roles.push({ role, reference, differences: collected.differences });
    try {
      changes.push(await bringIn(context, role, one));
      left.delete(role);
    } catch (error) {
      if (!(error instanceof RekindleError)) throw error;
      report.refusals.push({ role, message: error.message });
    }
  }
  tell(report, print);

  const changed = changes.filter(({ commitPaths }) => commitPaths.length > 0);
  if (changed.length > 0) {
    const message = commitMessage(changed);
    report.commit = await commits.commit(
      changed.flatMap(({ commitPaths }) => commitPaths),
      message,
    );
    await noteIntention(intentionFile, {
      version: 1,
      roles: [...left],
      ...(context.announce === undefined ? {} : { announce: report.commit }),
    });
    print(`commit ${report.commit.slice(0, 12)}: ${message.split("\n")[0]}`);
    await context.announce?.({ commit: report.commit, message });
  } else print("nothing changed");
  await noteIntention(intentionFile, { version: 1, roles: [...left] });
  return report;
}

/** Why a run is no success although it did what it could; nothing when it is one. */
export function shortcomings({ hosts, refusals }: CollectReport): RekindleError | undefined {
  const failed = hosts.filter(({ outcome }) => outcome === "failed");
  const lost = hosts.flatMap(({ role, host, leftOut }) =>
    leftOut
      .filter(({ isLoss }) => isLoss)
      .map(({ path, reason }) => ({ place: `${role}: ${host}: ${path}`, reason })),
  );
  if (failed.length + lost.length + refusals.length === 0) return undefined;
  const parts = [
    ...(failed.length > 0 ? [`${failed.length} of ${hosts.length} hosts were not collected`] : []),
    ...(lost.length > 0 ? [`${new Set(lost.map(({ place }) => place)).size} paths were left out`] : []),
    ...(refusals.length > 0 ? [`${refusals.length} roles were left alone`] : []),
  ];
  return new RekindleError("failed-check", `${parts.join(", ")}; what git has of them stays`, {
    details: [
      ...failed.map(({ role, host, failure }) => `${role}: ${host}: ${failure!.message}`),
      ...lost.map(({ place, reason }) => `${place}: ${reason}`),
      ...refusals.map(({ role, message }) => `${role}: ${message}`),
    ],
  });
}

interface OpenRole extends RoleToCollect {
  selection: Selection;
  files: RoleFiles;
  earlier: Collected | undefined;
}

interface Decided {
  role: string;
  selection: Selection;
  plan: CollectPlan;
}

/** Reads each role's files. What a user has not committed is not overwritten: that role is left alone. */
async function openRoles(
  { root, roles, commits }: CollectContext,
  unfinished: readonly string[],
  report: CollectReport,
): Promise<OpenRole[]> {
  const open: OpenRole[] = [];
  for (const one of roles) {
    const { role, rules } = one;
    try {
      const selected = selection(rules.paths, rules.exclude);
      const dirty = ofSelection(role, await commits.changes(rolePaths(role)), selected);
      if (dirty.length > 0 && !unfinished.includes(role)) throw uncommitted(dirty);
      const files = await readRoleFiles(root, role);
      const earlier = readCollected(role, await readText(join(root, collectedPath(role))));
      open.push({ ...one, selection: selected, files, earlier });
    } catch (error) {
      if (!(error instanceof RekindleError)) throw error;
      report.refusals.push({ role, message: error.message });
    }
  }
  return open;
}

function uncommitted(paths: readonly string[]): RekindleError {
  const rest = paths.length > 1 ? ` and ${paths.length - 1} more` : "";
  return new RekindleError(
    "refused",
    `${paths[0]}${rest} would be overwritten and is not committed; commit it, or remove it`,
  );
}

async function lookAtHosts(
  context: CollectContext,
  roles: readonly OpenRole[],
  report: CollectReport,
): Promise<Map<string, Found[]>> {
  const looks = roles.flatMap(({ role, rules, files, sources, selection }) => {
    const take = cleaning(
      { role, ...rules, findSecrets: context.findSecrets, templates: files.templates },
      context.aside,
    );
    return sources.map((source) => ({ role, source, selection, take }));
  });
  const done = await inParallel(context.jobs, looks, async ({ role, source, selection, take }) => {
    try {
      const found = await collectHost(source, selection, take);
      return { role, host: source.host, found };
    } catch (error) {
      return { role, host: source.host, failure: asFailure(error) };
    }
  });
  report.hosts = done.map(({ role, host, found, failure }) => ({
    role,
    host,
    outcome: found === undefined ? "failed" : "collected",
    ...(failure === undefined ? {} : { failure: { kind: failure.kind, message: failure.message } }),
    files: [...(found?.tree.values() ?? [])].filter(({ kind }) => kind !== "directory").length,
    leftOut: found?.leftOut ?? [],
    references: found?.references ?? [],
  }));
  return new Map(
    roles.map(({ role }) => [
      role,
      done.flatMap((one) => (one.role === role && one.found ? [one.found] : [])),
    ]),
  );
}

/** Whatever goes wrong with one host is that host's failure. */
function asFailure(error: unknown): HostFailure {
  if (error instanceof HostFailure) return error;
  return new HostFailure("failed", (error as Error).message, { cause: error });
}

function decide({ role, hosts, selection, files, earlier }: OpenRole, found: readonly Found[]): Decided[] {
  const plan = planCollection({ hosts, found, selection, current: files.tree, earlier });
  return plan === undefined ? [] : [{ role, selection, plan }];
}

/** Makes the work tree hold one role's plan, and tells what of that git has not yet. */
async function bringIn(
  { root, aside, commits }: CollectContext,
  role: string,
  { plan, selection }: Omit<Decided, "role">,
): Promise<RoleChange & { commitPaths: string[] }> {
  await applyToRoleFiles(root, role, plan, aside);
  const attributes = editAttributes(await readText(join(root, attributesPath(role))), wantedAttributes(plan));
  await replaceText(join(root, attributesPath(role)), attributes);
  await replaceText(join(root, collectedPath(role)), writeCollected(plan.collected));

  const status = await commits.changes(rolePaths(role));
  const commitPaths = ofSelection(role, status, selection);
  const change = describeChange({
    role,
    reference: plan.reference,
    paths: commitPaths,
    status,
    attributes: [await commits.atHead(attributesPath(role)), attributes],
    collected: [readCollected(role, await commits.atHead(collectedPath(role))), plan.collected],
  });
  return { ...change, commitPaths };
}

/** A run that was killed between its commit and its word to others owes them that word. */
async function announceLate(context: CollectContext, commit: string | undefined): Promise<void> {
  if (commit === undefined || context.announce === undefined) return;
  await context.announce({ commit, message: await context.commits.messageOf(commit) });
}

function tell({ hosts, roles, refusals }: CollectReport, print: (line: string) => void): void {
  for (const { role, host, files, failure, leftOut, references } of hosts) {
    print(
      failure ? `${role}: ${host}: FAILED: ${failure.message}` : `${role}: ${host}: ${files} files and links`,
    );
    for (const { path, reason } of leftOut) print(`${role}: ${host}: left out: ${path} ${reason}`);
    for (const { path, line, rule, name } of references)
      print(
        `${role}: ${host}: ${path} line ${line} (rule ${rule}): its value belongs into the secret ${name}`,
      );
  }
  for (const { role, reference, differences } of roles)
    for (const [path, others] of Object.entries(differences))
      for (const [host, how] of Object.entries(others))
        print(`${role}: ${differenceLine(path, host, how, reference)}`);
  for (const { role, message } of refusals) print(`${role}: LEFT ALONE: ${message}`);
}
