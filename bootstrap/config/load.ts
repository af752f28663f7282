import type { Fault } from "../errors.ts";
import { checkShape } from "./check-shape.ts";
import { nearest } from "./nearest.ts";
import { checkRules } from "./rules.ts";
import { environmentSchema, type Role, roleSchema, type Topology } from "./schema.ts";
import { parseYamlFile, type YamlFile } from "./yaml-file.ts";

/** The project's files by path from its root: a work tree's or a commit's. */
export type ConfigFiles = ReadonlyMap<string, { content: Uint8Array; mode: string }>;

export type Loaded = { kind: "valid"; topology: Topology } | { kind: "faulty"; faults: Fault[] };

const environmentPath = (name: string) => `configs/environments/${name}.yaml`;
const rolePath = (name: string) => `configs/roles/${name}/role.yaml`;

/** Reads one environment and every role that it names. Reports every fault of all of these files at once. */
export function loadTopology(files: ConfigFiles, name: string): Loaded {
  const path = environmentPath(name);
  if (!files.has(path)) return { kind: "faulty", faults: [noEnvironment(files, name)] };
  const environmentFile = read(files, path);
  const { value: environment, faults } = checkShape(environmentFile, environmentSchema);
  const named =
    environment === undefined ? looselyNamedRoles(environmentFile) : Object.keys(environment.roles);
  const roleFiles: Record<string, YamlFile> = {};
  const roles: Record<string, Role> = {};
  for (const role of named) {
    if (!files.has(rolePath(role))) {
      faults.push(unknownRole(files, environmentFile, role));
      continue;
    }
    const file = read(files, rolePath(role));
    const checked = checkShape(file, roleSchema);
    faults.push(...checked.faults);
    roleFiles[role] = file;
    if (checked.value !== undefined) roles[role] = checked.value;
  }
  if (environment !== undefined) {
    if (environment.name !== name) faults.push(otherName(environmentFile, environment.name, name));
    // Rules look at what is well-formed; a role that isn't has its own faults already.
    const known = Object.fromEntries(
      Object.entries(environment.roles).filter(([role]) => roles[role] !== undefined),
    );
    const isWhole = Object.keys(known).length === named.length;
    const topology = { environment, roles };
    if (isWhole)
      faults.push(...checkRules({ topology, environmentFile, roleFiles, paths: new Set(files.keys()) }));
    if (faults.length === 0) return { kind: "valid", topology };
  }
  return { kind: "faulty", faults: sortFaults(faults) };
}

export function environmentNames(files: ConfigFiles): string[] {
  return [...files.keys()]
    .flatMap((path) => /^configs\/environments\/([^/]+)\.yaml$/.exec(path)?.[1] ?? [])
    .sort();
}

export function roleNames(files: ConfigFiles): string[] {
  return [...files.keys()]
    .flatMap((path) => /^configs\/roles\/([^/]+)\/role\.yaml$/.exec(path)?.[1] ?? [])
    .sort();
}

/** Checks a role that no environment names against its schema: it may be named tomorrow. */
export function loadRole(files: ConfigFiles, name: string): Fault[] {
  return checkShape(read(files, rolePath(name)), roleSchema).faults;
}

export function sortFaults(faults: readonly Fault[]): Fault[] {
  return [...faults].sort(
    (a, b) =>
      a.place.file.localeCompare(b.place.file) ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column,
  );
}

function read(files: ConfigFiles, path: string): YamlFile {
  return parseYamlFile(path, Buffer.from(files.get(path)!.content).toString());
}

/** The roles of an environment that is not well-formed: their files are read all the same. */
function looselyNamedRoles({ value }: YamlFile): string[] {
  const roles = (value as { roles?: unknown } | null | undefined)?.roles;
  return roles !== null && typeof roles === "object" && !Array.isArray(roles) ? Object.keys(roles) : [];
}

function noEnvironment(files: ConfigFiles, name: string): Fault {
  const known = environmentNames(files);
  const meant = nearest(name, known);
  return {
    place: { file: environmentPath(name), line: 1, column: 1 },
    message: `there is no environment ${JSON.stringify(name)}`,
    move:
      meant === undefined
        ? `name one of ${known.join(", ") || "none, since there are none"}`
        : `did you mean ${JSON.stringify(meant)}?`,
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
