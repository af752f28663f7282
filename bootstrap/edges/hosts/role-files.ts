import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { isExecutable } from "../../collect/attributes.ts";
import type { Entry, Tree } from "../../collect/entry.ts";
import { attributesSchema, type FileAttributes } from "../../config/attributes-schema.ts";
import { checkShape } from "../../config/check-shape.ts";
import { attributesPath, roleFilesFolder } from "../../config/files.ts";
import { parseYamlFile } from "../../config/yaml-file.ts";
import { badConfiguration, RekindleError } from "../../errors.ts";
import type { Aside } from "./aside.ts";
import { hasCode } from "./source.ts";

/** A role's configuration in the work tree. Each file is replaced whole; no link is ever followed. */
export interface RoleFiles {
  /** What the work tree holds, with what files.yaml says of it. */
  tree: Tree;
  /** The text of the files that servers fill in, by path. */
  templates: ReadonlyMap<string, string>;
}

export async function readRoleFiles(root: string, role: string): Promise<RoleFiles> {
  const folder = join(root, roleFilesFolder(role));
  const attributes = readAttributes(role, await readText(join(root, attributesPath(role))));
  const tree = new Map<string, Entry>();
  const templates = new Map<string, string>();
  await refuseLink(folder);
  const walk = async (below: string): Promise<void> => {
    for (const name of (await readdir(folder + below).catch(ifAbsent([]))).sort()) {
      const path = `${below}/${name}`;
      const found = await lstat(folder + path);
      const { owner = "root", group = "root", mode, template = false } = attributes[path] ?? {};
      if (found.isDirectory()) await walk(path);
      else if (found.isSymbolicLink())
        tree.set(path, { kind: "link", owner, group, target: await readlink(folder + path) });
      else if (found.isFile()) {
        const usual = (found.mode & 0o100) === 0 ? "0644" : "0755";
        const sha256 = await digestOf(folder + path);
        tree.set(path, {
          kind: "file",
          owner,
          group,
          mode: mode?.padStart(4, "0") ?? usual,
          sha256,
          template,
        });
        if (template) templates.set(path, await readFile(folder + path, "utf8"));
      }
    }
  };
  await walk("");
  for (const [path, { kind, owner = "root", group = "root", mode = "0755" }] of Object.entries(attributes))
    if (kind === "directory" && !tree.has(path))
      tree.set(path, { kind, owner, group, mode: mode.padStart(4, "0") });
  return { tree, templates };
}

/** Makes the work tree hold what was decided. Killed halfway, it is done again by the next run. */
export async function applyToRoleFiles(
  root: string,
  role: string,
  plan: { write: ReadonlyMap<string, Entry>; remove: readonly string[] },
  aside: Aside,
): Promise<void> {
  const folder = join(root, roleFilesFolder(role));
  await refuseLink(folder);
  const { write } = plan;
  const replaced = [...write].filter(([, { kind }]) => kind === "directory").map(([path]) => path);
  for (const path of plan.remove) await remove(folder, path);
  // A folder of its own is nothing in git, but what was in its place may be.
  for (const path of replaced) if (!(await isDirectory(folder + path))) await remove(folder, path);
  await mkdir(folder, { recursive: true });
  const part = aside.path("part");
  for (const [path, entry] of write) {
    if (entry.kind !== "file") continue;
    await rm(part, { force: true });
    await copyFile(aside.path(entry.sha256), part, constants.COPYFILE_FICLONE);
    await chmod(part, isExecutable(entry.mode) ? 0o755 : 0o644);
    await putInPlace(folder, path, part);
  }
  // Links come last, so that nothing could have been written through one of them.
  for (const [path, entry] of write) {
    if (entry.kind !== "link") continue;
    await rm(part, { force: true });
    await symlink(entry.target, part);
    await putInPlace(folder, path, part);
  }
}

/** Replaces a small text file whole; removes it when there is nothing to say. */
export async function replaceText(path: string, text: string | undefined): Promise<void> {
  if (text === undefined) return rm(path, { force: true });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, path);
}

export async function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(ifAbsent(undefined));
}

function readAttributes(role: string, text: string | undefined): FileAttributes {
  if (text === undefined) return {};
  const { value, faults } = checkShape(parseYamlFile(attributesPath(role), text), attributesSchema);
  if (value === undefined) throw badConfiguration(faults);
  return value.paths;
}

async function putInPlace(folder: string, path: string, part: string): Promise<void> {
  await makeParents(folder, path);
  if (await isDirectory(folder + path)) await rmdir(folder + path).catch(inTheWay(folder + path));
  await rename(part, folder + path);
}

/** Makes the folders on the way to a path, and refuses a way that leads through something else. */
async function makeParents(folder: string, path: string): Promise<void> {
  for (const parent of parentsOf(path)) {
    if (await isDirectory(folder + parent)) continue;
    await mkdir(folder + parent).catch(inTheWay(folder + parent));
  }
}

/** Removes a file or link, and the folders that become empty with it. */
async function remove(folder: string, path: string): Promise<void> {
  const parents = parentsOf(path);
  for (const parent of parents) if (!(await isDirectory(folder + parent))) return;
  if (!(await isDirectory(folder + path))) await rm(folder + path, { force: true });
  for (const parent of parents.reverse())
    if (
      !(await rmdir(folder + parent).then(
        () => true,
        () => false,
      ))
    )
      return;
}

function parentsOf(path: string): string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index)).filter((parent) => parent !== "");
}

async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(ifAbsent(undefined)))?.isDirectory() ?? false;
}

async function refuseLink(folder: string): Promise<void> {
  const found = await lstat(folder.replace(/\/$/, "")).catch(ifAbsent(undefined));
  if (found === undefined || found.isDirectory()) return;
  throw new RekindleError(
    "refused",
    `${folder} is no folder, and is not followed; put a folder in its place`,
  );
}

function inTheWay(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new RekindleError(
      "refused",
      `${path} is in the way of what was collected, and is not collect's own; move it, or exclude its path`,
      { cause },
    );
  };
}

function ifAbsent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return value;
    throw error;
  };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
