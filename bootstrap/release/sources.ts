import type { Topology } from "../config/schema.ts";
import { type Recipe, recipeDigest } from "../image/recipe.ts";
import type { RoleSource } from "./release.ts";

/** Committed files by path from the repository's root. */
export type CommittedFiles = ReadonlyMap<string, { content: Uint8Array; mode: string }>;

/** What every role of an environment contributes to a release, from one commit's files. */
export function roleSources(topology: Topology, files: CommittedFiles): Record<string, RoleSource> {
  return Object.fromEntries(
    Object.keys(topology.environment.roles).map((role) => [
      role,
      {
        files: filesBelow(files, `configs/roles/${role}/files/`),
        userDataTemplate: Buffer.from(files.get(`cloud-init/templates/${role}.yaml`)!.content).toString(),
        recipe: recipeDigest(roleRecipe(topology, role, files)),
      },
    ]),
  );
}

/** A role's image recipe. `validate` has seen to it that every file it names is there. */
export function roleRecipe(topology: Topology, role: string, files: CommittedFiles): Recipe {
  const { image } = topology.roles[role]!;
  return {
    base: image.base,
    rootVolumeGiB: image.rootVolumeGiB,
    packages: image.packages,
    files: image.files.map(({ source, path, mode }) => ({
      path,
      mode,
      content: files.get(`configs/roles/${role}/${source}`)!.content,
    })),
    bootScript: files.get("cloud-init/boot")!.content,
  };
}

function filesBelow(files: CommittedFiles, folder: string): RoleSource["files"] {
  return [...files]
    .filter(([path]) => path.startsWith(folder))
    .map(([path, { content, mode }]) => ({ path: path.slice(folder.length), content, mode }));
}
