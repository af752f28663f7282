import { type ConfigFiles, environmentNames, environmentPath, roleNames, textOf } from "../config/files.ts";
import type { Topology } from "../config/schema.ts";
import { parseYamlFile } from "../config/yaml-file.ts";
import { readConfigFiles } from "../edges/config-files.ts";
import { RekindleError } from "../errors.ts";
import type { Recipe } from "../image/recipe.ts";
import type { RoleSource } from "../release/release.ts";
import type { PublicKey } from "../release/signature.ts";
import { roleRecipe, roleSources } from "../release/sources.ts";
import { withTrustedKey } from "../release/trust.ts";
import { environmentName, loadOrRefuse, projectRoot } from "./project.ts";

/** One role as it is in the work tree, for servers that nobody but a sandbox has. */
export interface Worktree {
  topology: Topology;
  source: RoleSource;
  recipe: Recipe;
}

export async function worktree(
  role: string,
  options: { env?: string },
  sandboxKey: PublicKey,
): Promise<Worktree> {
  const files = withTrustedKey(await readConfigFiles(projectRoot()), sandboxKey);
  const topology = loadOrRefuse(files, environmentOf(role, files, options.env));
  const recipe = roleRecipe(topology, role, files);
  if (recipe === undefined) {
    throw new RekindleError(
      "refused",
      `role ${role} starts from an image that was taken of a server, which is in AWS and nowhere else; only roles with a recipe boot on this machine`,
    );
  }
  return { topology, source: roleSources(topology, files)[role]!, recipe };
}

/** The environment that a role is looked at in: the one that is named, else the only one that has the role. */
function environmentOf(role: string, files: ConfigFiles, option: string | undefined): string {
  const known = roleNames(files);
  if (!known.includes(role)) {
    throw new RekindleError(
      "bad-input",
      `there is no role ${JSON.stringify(role)}; name one of ${known.join(", ")}`,
    );
  }
  const named = option ?? process.env.REKINDLE_ENV;
  const having = environmentNames(files).filter((name) => rolesOf(files, name).includes(role));
  if (named !== undefined && named !== "") {
    // One that is not there, or has faults, is told by whoever loads it.
    if (having.includes(named) || !environmentNames(files).includes(named)) return named;
    throw new RekindleError(
      "bad-input",
      `environment ${named} has no role ${role}; ${having.length === 0 ? "no environment has it" : `name ${having.join(" or ")} with --env`}`,
    );
  }
  const [only, ...others] = having;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined)
    throw new RekindleError(
      "bad-input",
      `no environment has role ${role}; add it to one in configs/environments, and give its instanceType there`,
    );
  const usual = environmentName(undefined);
  if (having.includes(usual)) return usual;
  throw new RekindleError(
    "bad-input",
    `role ${role} is in the environments ${having.join(" and ")}; name one with --env`,
  );
}

/** As far as the file can be read; its faults come when it is loaded. */
function rolesOf(files: ConfigFiles, environment: string): string[] {
  const { value } = parseYamlFile(environmentPath(environment), textOf(files, environmentPath(environment)));
  const roles = (value as { roles?: unknown } | undefined)?.roles;
  return typeof roles === "object" && roles !== null ? Object.keys(roles) : [];
}
