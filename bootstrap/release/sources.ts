import { durationSeconds } from "../config/duration.ts";
import { bootPath, type ConfigFiles, templatePath, textOf } from "../config/files.ts";
import type { Health, Role, Topology } from "../config/schema.ts";
import { userDataNames } from "../config/user-data.ts";
import { takenIdentity } from "../image/image.ts";
import { type Recipe, recipeDigest } from "../image/recipe.ts";
import type { HealthCheck, ServerDuties } from "./manifest.ts";
import type { PackedTree } from "./packed-trees.ts";
import type { RoleSource } from "./release.ts";
import { restartedBy, roleTree } from "./tree.ts";
import { trustedKeyFiles } from "./trust.ts";

/** What every role of an environment contributes to a release, from one commit's files. */
export function roleSources(
  topology: Topology,
  files: ConfigFiles,
  kept: Readonly<Record<string, PackedTree>> = {},
): Record<string, RoleSource> {
  return Object.fromEntries(
    Object.keys(topology.environment.roles).map((role) => {
      const definition = topology.roles[role]!;
      const besides = {
        restartedBy: restartedBy(definition),
        duties: serverDuties(definition),
        userData: userDataNames(definition, role).map((name) => ({
          name,
          content: textOf(files, templatePath(name)),
        })),
        recipe: imageIdentity(topology, role, files),
      };
      const packed = kept[role];
      if (packed === undefined) return [role, { ...besides, tree: roleTree(files, role) }];
      // Its files have not been read, and most of the time nobody asks for them.
      const source: RoleSource = {
        ...besides,
        packed,
        get tree() {
          return roleTree(files, role);
        },
      };
      return [role, source];
    }),
  );
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

/** What tells a role's image from all others: its recipe's digest, or its name's where it was taken. */
function imageIdentity(topology: Topology, role: string, files: ConfigFiles): string {
  const { image } = topology.roles[role]!;
  return "taken" in image ? takenIdentity(image.taken) : recipeDigest(roleRecipe(topology, role, files)!);
}

/**
 * A role's image recipe; nothing for a role whose image was taken. `validate` has seen to it that every file it names
 * is there.
 */
export function roleRecipe(topology: Topology, role: string, files: ConfigFiles): Recipe | undefined {
  const { image } = topology.roles[role]!;
  if ("taken" in image) return undefined;
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
