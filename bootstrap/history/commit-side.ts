import { type ConfigFiles, environmentPath, rolePath, templatePath, textOf } from "../config/files.ts";
import { parseYamlFile } from "../config/yaml-file.ts";
import { byCodePoint, roleTree } from "../release/tree.ts";
import type { RoleSide } from "./compare.ts";

/**
 * A commit's configuration by role; nothing when it has no such environment. Reads what is there, however old: a commit
 * that could not be published any more can still be looked at.
 */
export function rolesOfCommit(files: ConfigFiles, environment: string): Record<string, RoleSide> | undefined {
  const path = environmentPath(environment);
  if (!files.has(path)) return undefined;
  const names = Object.keys(mapOf(mapOf(yamlOf(files, path)).roles)).sort(byCodePoint);
  return Object.fromEntries(
    names.map((role) => [role, { tree: roleTree(files, role), userData: userDataOf(files, role) }]),
  );
}

function userDataOf(files: ConfigFiles, role: string) {
  const path = rolePath(role);
  const listed = files.has(path) ? mapOf(yamlOf(files, path)).userData : undefined;
  const names = Array.isArray(listed) ? listed.map(String) : [`${role}.yaml`];
  return names
    .filter((name) => files.has(templatePath(name)))
    .map((name) => ({ name, content: textOf(files, templatePath(name)) }));
}

function yamlOf(files: ConfigFiles, path: string): unknown {
  return parseYamlFile(path, textOf(files, path)).value;
}

function mapOf(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
