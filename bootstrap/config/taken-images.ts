import type { Fault } from "../errors.ts";
import { type ConfigFiles, rolePath, templatePath, textOf } from "./files.ts";
import type { Topology } from "./schema.ts";
import { userDataNames } from "./user-data.ts";
import { parseYamlFile } from "./yaml-file.ts";

/** Nobody here can look into an image that was taken: what its role's user-data starts may not be in it. */
export function takenImageWarnings(topology: Topology, files: ConfigFiles): Fault[] {
  return Object.entries(topology.roles).flatMap(([role, definition]) => {
    const { image } = definition;
    if (!("taken" in image)) return [];
    const userData = userDataNames(definition, role).map((name) => textOf(files, templatePath(name)));
    if (!userData.some((text) => text.includes("rekindle-boot"))) return [];
    const file = rolePath(role);
    return [
      {
        place: parseYamlFile(file, textOf(files, file)).place(["image", "taken"]),
        message: `image ${image.taken} was taken of a server, and the user-data of role ${role} starts rekindle-boot, which only a bake installs`,
        move: "see to it that the server had it and the trusted keys, or give the role user-data that does without",
      },
    ];
  });
}
