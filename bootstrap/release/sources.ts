import { durationSeconds } from "../config/duration.ts";
import { bootPath, type ConfigFiles, templatePath, textOf } from "../config/files.ts";
import type { Health, Role, Topology } from "../config/schema.ts";
import { userDataNames } from "../config/user-data.ts";
import { type Recipe, recipeDigest } from "../image/recipe.ts";
import type { PackedTree } from "./kept-trees.ts";
import type { HealthCheck, ServerDuties } from "./manifest.ts";
import type { KeptSource, RoleSource } from "./release.ts";
import { restartedBy, roleTree } from "./tree.ts";
import { trustedKeyFiles } from "./trust.ts";

/** What every role of an environment contributes to a release, from one commit's files. */
export function roleSources(topology: Topology, files: ConfigFiles): Record<string, RoleSource> {
  const sources = Object.keys(topology.environment.roles).map((role): [string, RoleSource] => [
    role,
    {
      ...besideItsTree(topology, role, files),
      tree: roleTree(files, role),
      restartedBy: restartedBy(topology.roles[role]!),
    },
  ]);
  return Object.fromEntries(sources);
}

/** The same, without a look at the trees that an earlier release has packed. */
export function changedSources(
  topology: Topology,
  files: ConfigFiles,
  kept: Readonly<Record<string, PackedTree>>,
): Record<string, RoleSource | KeptSource> {
  const { roles } = topology.environment;
  const changed = Object.fromEntries(Object.entries(roles).filter(([role]) => kept[role] === undefined));
  const environment = { ...topology.environment, roles: changed };
  const others = Object.keys(roles).filter((role) => kept[role] !== undefined);
  return {
    ...roleSources({ ...topology, environment }, files),
    ...Object.fromEntries(
      others.map((role) => [role, { ...besideItsTree(topology, role, files), kept: kept[role]! }]),
    ),
  };
}

function besideItsTree(topology: Topology, role: string, files: ConfigFiles) {
  const definition = topology.roles[role]!;
  return {
    duties: serverDuties(definition),
    userData: userDataNames(definition, role).map((name) => ({
      name,
      content: textOf(files, templatePath(name)),
    })),
    recipe: recipeDigest(roleRecipe(topology, role, files)),
  };
}

/** What the boot script is told to run and to watch. */
export function serverDuties({ services, health, volumes, storage }: Role): ServerDuties {
  return {
    services,
    health: healthCheck(health),
    volumes: volumes.map(({ name, device }) => ({ name, device })),
    ...(storage === undefined ? {} : { storage }),
  };
}

function healthCheck({ timeout, ...check }: Health): HealthCheck {
  return { ...check, timeoutSeconds: durationSeconds(timeout) };
}

/** A role's image recipe. `validate` has seen to it that every file it names is there. */
export function roleRecipe(topology: Topology, role: string, files: ConfigFiles): Recipe {
  const { image } = topology.roles[role]!;
  return {
    base: image.base,
    rootVolumeGiB: image.rootVolumeGiB,
    packages: image.packages,
    files: [
      ...image.files.map(({ source, path, mode }) => ({
        path,
        mode,
        content: files.get(`configs/roles/${role}/${source}`)!.content,
      })),
      ...trustedKeyFiles(files),
    ],
    bootScript: files.get(bootPath)!.content,
  };
}
