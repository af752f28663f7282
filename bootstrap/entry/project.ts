import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCommit, versioned } from "../commands/read-commit.ts";
import { loadTopology } from "../config/load.ts";
import type { Topology } from "../config/schema.ts";
import { readConfigFiles } from "../edges/config-files.ts";
import { gitRepository } from "../edges/git.ts";
import { badConfiguration, RekindleError } from "../errors.ts";
import type { Recipe } from "../image/recipe.ts";
import type { PackedTrees } from "../release/packed-trees.ts";
import type { RoleSource } from "../release/release.ts";
import type { PublicKey } from "../release/signature.ts";
import { roleRecipe, roleSources } from "../release/sources.ts";
import { trustedKeys, withTrustedKey } from "../release/trust.ts";

/** The nearest folder, from the current one up, that holds a cdktf.json: the user's project. */
export function projectRoot(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "cdktf.json"))) return folder;
    if (folder === dirname(folder)) {
      throw new RekindleError(
        "bad-input",
        `no cdktf.json in ${process.cwd()} or above it; change to a Rekindle project's folder`,
      );
    }
  }
}

/** Where this program itself is installed. */
export function programFile(name: "gateway.js" | "rekindle.js" | "stacks.js"): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return join(folder, "dist", name);
  }
}

/** Rekindle's own git-ignored folder. */
export function stateFolder(): string {
  return join(projectRoot(), ".rekindle");
}

/** The state of the sandbox that a shell uses. */
export function sandboxFolder(): string {
  return join(stateFolder(), "sandbox");
}

export function environmentName(option: string | undefined): string {
  const named = option ?? process.env.REKINDLE_ENV;
  if (named !== undefined && named !== "") return named;
  const path = join(projectRoot(), "cdktf.json");
  const settings = JSON.parse(readFileSync(path, "utf8")) as { context?: { environment?: string } };
  if (settings.context?.environment !== undefined) return settings.context.environment;
  throw new RekindleError("bad-input", `${path} names no context.environment; name one there, or with --env`);
}

/** An environment as it is in the work tree. */
export async function topologyOf(name: string): Promise<Topology> {
  return loadOrRefuse(await readConfigFiles(projectRoot()), name);
}

/** The environment as it is at one commit, with everything that a release and its images are made of. */
export interface Committed {
  topology: Topology;
  commit: string;
  sources: Record<string, RoleSource>;
  /** Of every role whose image is baked. */
  recipes: Record<string, Recipe>;
  /** The keys that the commit's servers accept a release from. */
  trusted: PublicKey[];
}

/**
 * `sandboxKey` is trusted beside the commit's own keys, on servers that nobody but a sandbox has. Of trees that are as
 * `packed` has them nothing is read until it is asked for.
 */
export async function committed(
  options: { env?: string; commit?: string },
  sandboxKey?: PublicKey,
  packed?: PackedTrees,
): Promise<Committed> {
  const repository = gitRepository(projectRoot());
  const commit = await repository.resolve(options.commit ?? "HEAD");
  const [dirty, { files: own, kept }] = await Promise.all([
    options.commit === undefined ? repository.dirty(versioned) : [],
    readCommit(repository, commit, packed),
  ]);
  refuseDirty(dirty);
  const files = sandboxKey === undefined ? own : withTrustedKey(own, sandboxKey);
  const topology = loadOrRefuse(files, environmentName(options.env));
  const recipes = Object.keys(topology.environment.roles).flatMap((role) => {
    const recipe = roleRecipe(topology, role, files);
    return recipe === undefined ? [] : [[role, recipe] as const];
  });
  return {
    topology,
    commit,
    sources: roleSources(topology, files, kept),
    recipes: Object.fromEntries(recipes),
    trusted: trustedKeys(files),
  };
}

/** The environment of some files; refuses one with faults. */
export function loadOrRefuse(files: Parameters<typeof loadTopology>[0], name: string): Topology {
  const loaded = loadTopology(files, name);
  if (loaded.kind === "faulty") throw badConfiguration(loaded.faults);
  return loaded.topology;
}

function refuseDirty(paths: readonly string[]): void {
  if (paths.length === 0) return;
  throw new RekindleError(
    "refused",
    `the work tree differs from HEAD in ${paths.length} file${paths.length === 1 ? "" : "s"} below ${versioned.join(" and ")}; ` +
      "commit them, or name what to take with --commit HEAD",
    { details: paths.slice(0, 20) },
  );
}
