import type { Fault } from "../errors.ts";
import { attributesSchema, type FileAttributes } from "./attributes-schema.ts";
import { checkShape } from "./check-shape.ts";
import { attributesPath, type ConfigFiles, roleFilesFolder, textOf } from "./files.ts";
import { parseYamlFile, type YamlFile } from "./yaml-file.ts";

/** Reads what `files.yaml` says of a role's files, and whether it can be true. A role without one has only defaults. */
export function readAttributes(
  files: ConfigFiles,
  role: string,
): { attributes: FileAttributes; faults: Fault[] } {
  const path = attributesPath(role);
  if (!files.has(path)) return { attributes: {}, faults: [] };
  const file = parseYamlFile(path, textOf(files, path));
  const { value, faults } = checkShape(file, attributesSchema);
  if (value === undefined) return { attributes: {}, faults };
  const wrong = Object.entries(value.paths).flatMap(([name, attributes]) =>
    contradictions(files, role, name, attributes).map((fault) => at(file, name, fault)),
  );
  return { attributes: value.paths, faults: wrong };
}

interface Contradiction {
  message: string;
  move: string;
}

function contradictions(
  files: ConfigFiles,
  role: string,
  name: string,
  { kind, mode, template }: FileAttributes[string],
): Contradiction[] {
  const found = files.get(roleFilesFolder(role) + name.slice(1));
  if (kind === "directory") {
    if (found !== undefined)
      return [{ message: `${name} is a directory here and a file in git`, move: "remove kind, or the file" }];
    if (template)
      return [{ message: `${name} is a directory, and can be no template`, move: "remove template" }];
    return [];
  }
  if (found === undefined) {
    const below = `${roleFilesFolder(role)}${name.slice(1)}/`;
    const isFolder = [...files.keys()].some((path) => path.startsWith(below));
    return [
      isFolder
        ? { message: `${name} is a directory`, move: "add kind: directory" }
        : { message: `${name} is no file of this role`, move: `add files${name}, or remove the entry` },
    ];
  }
  if (found.mode === "link" && (mode !== undefined || template))
    return [
      { message: `${name} is a symbolic link, which has an owner only`, move: "remove mode and template" },
    ];
  return [];
}

function at(file: YamlFile, name: string, { message, move }: Contradiction): Fault {
  return { place: file.keyPlace(["paths"], name), message, move };
}
