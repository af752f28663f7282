import type { Fault } from "../errors.ts";
import { keyFaults } from "../release/trust.ts";
import { checkShape } from "./check-shape.ts";
import { type ConfigFiles, environmentNames, environmentPath, roleNames, rolePath, textOf } from "./files.ts";
import { nearest } from "./nearest.ts";
import { checkRoleRules, checkRules } from "./rules.ts";
import { type Environment, environmentSchema, type Role, roleSchema, type Topology } from "./schema.ts";
import { parseYamlFile, type YamlFile } from "./yaml-file.ts";

export type Loaded = { kind: "valid"; topology: Topology } | { kind: "faulty"; faults: Fault[] };

/** Reads one environment and every role that it names. Reports every fault of all of these files at once. */
export function loadTopology(files: ConfigFiles, name: string): Loaded {
  const path = environmentPath(name);
  if (!files.has(path)) return { kind: "faulty", faults: [noEnvironment(files, name)] };
  const environmentFile = read(files, path);
  const { value: environment, faults } = checkShape(environmentFile, environmentSchema);
  const roleFiles: Record<string, YamlFile> = {};
  const roles: Record<string, Role> = {};
  for (const role of namedRoles(environmentFile)) {
    if (!files.has(rolePath(role))) {
      faults.push(unknownRole(files, environmentFile, role));
      continue;
    }
    const checked = checkRole(files, role);
    faults.push(...checked.faults);
    roleFiles[role] = checked.file;
    if (checked.value !== undefined) roles[role] = checked.value;
  }
  const sections = wellFormedSections(environmentFile);
  if (sections.name !== undefined && sections.name !== name)
    faults.push(otherName(environmentFile, sections.name, name));
  faults.push(...keyFaults(files));
  const topology = { environment: sections as Environment, roles };
  const known = new Set(Object.keys(sections) as (keyof Environment)[]);
  faults.push(...checkRules({ topology, environmentFile, roleFiles }, known));
  return environment !== undefined && faults.length === 0
    ? { kind: "valid", topology: { environment, roles } }
    : { kind: "faulty", faults: sortFaults(faults) };
}

/** Checks a role by itself, whether an environment names it or not: it may be named tomorrow. */
export function roleFaults(files: ConfigFiles, name: string): Fault[] {
  return checkRole(files, name).faults;
}

export function sortFaults(faults: readonly Fault[]): Fault[] {
  return [...faults].sort(
    (a, b) =>
      Number(a.place.file > b.place.file) - Number(a.place.file < b.place.file) ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column,
  );
}

function read(files: ConfigFiles, path: string): YamlFile {
  return parseYamlFile(path, textOf(files, path));
}

function checkRole(
  files: ConfigFiles,
  name: string,
): { file: YamlFile; value: Role | undefined; faults: Fault[] } {
  const file = read(files, rolePath(name));
  const { value, faults } = checkShape(file, roleSchema);
  const broken = value === undefined ? [] : checkRoleRules(value, name, file, files);
  return { file, value, faults: [...faults, ...broken] };
}

/** The roles of an environment, well-formed or not: their files are read all the same. */
function namedRoles({ value }: YamlFile): string[] {
  const roles = isMap(value) ? value.roles : undefined;
  return isMap(roles) ? Object.keys(roles) : [];
}

/** Sections of an environment that have no fault of their own, so that rules can look at them beside faulty ones. */
function wellFormedSections({ value, faults }: YamlFile): Partial<Environment> {
  if (faults.length > 0 || !isMap(value)) return {};
  const sections = Object.entries(environmentSchema.shape).flatMap(([key, schema]) => {
    const parsed = schema.safeParse(value[key]);
    return parsed.success && parsed.data !== undefined ? [[key, parsed.data] as const] : [];
  });
  return Object.fromEntries(sections);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function noEnvironment(files: ConfigFiles, name: string): Fault {
  const known = environmentNames(files);
  const meant = nearest(name, known);
  const guess = meant === undefined ? "" : `: did you mean ${JSON.stringify(meant)}?`;
  return {
    place: { file: environmentPath(name), line: 1, column: 1 },
    message: `there is no environment ${JSON.stringify(name)}`,
    move: known.length === 0 ? "add the file" : `name one of ${known.join(", ")}${guess}`,
  };
}

function unknownRole(files: ConfigFiles, file: YamlFile, role: string): Fault {
  const meant = nearest(role, roleNames(files));
  return {
    place: file.keyPlace(["roles"], role),
    message: `unknown role ${JSON.stringify(role)}: there is no ${rolePath(role)}`,
    move:
      meant === undefined ? "add the file, or correct the name" : `did you mean ${JSON.stringify(meant)}?`,
  };
}

function otherName(file: YamlFile, found: string, expected: string): Fault {
  return {
    place: file.place(["name"]),
    message: `name is ${JSON.stringify(found)} in the file of ${JSON.stringify(expected)}`,
    move: "give both the same name",
  };
}
