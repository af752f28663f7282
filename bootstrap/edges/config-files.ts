import type { Dirent } from "node:fs";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ConfigFile, type ConfigFiles, mayBeLink } from "../config/files.ts";
import { RekindleError } from "../errors.ts";

const folders = ["configs", "cloud-init"];

/** Every file of a work tree that a release or a check may look at, by its path with forward slashes. */
export async function readConfigFiles(root: string): Promise<ConfigFiles> {
  const files = new Map<string, ConfigFile>();
  const refused: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await list(root, folder)) {
      const name = `${folder}/${entry.name}`;
      if (entry.isDirectory()) await walk(name);
      else if (entry.isFile()) files.set(name, await read(root, name));
      else if (entry.isSymbolicLink() && mayBeLink(name)) files.set(name, await readLink(root, name));
      else refused.push(`${name} is ${kindOf(entry)}`);
    }
  };
  for (const folder of folders) await walk(folder);
  if (refused.length === 0) return files;
  throw new RekindleError(
    "bad-input",
    `a release carries regular files, and links below a role's files; ${refused.length} are neither; put a file in the place of each`,
    { details: refused },
  );
}

async function list(root: string, folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    return entries.sort((a, b) => Number(a.name > b.name) - Number(a.name < b.name));
  } catch (cause) {
    throw unreadable(root, folder, cause);
  }
}

/** Modes as git keeps them: executable or not. */
async function read(root: string, name: string): Promise<ConfigFile> {
  const path = join(root, name);
  try {
    const mode = ((await stat(path)).mode & 0o100) === 0 ? "0644" : "0755";
    return { content: await readFile(path), mode };
  } catch (cause) {
    throw unreadable(root, name, cause);
  }
}

async function readLink(root: string, name: string): Promise<ConfigFile> {
  return { content: await readlink(join(root, name), { encoding: "buffer" }), mode: "link" };
}

function unreadable(root: string, name: string, cause: unknown): RekindleError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason = code === "ENOENT" ? "it does not exist" : message;
  return new RekindleError(
    "bad-input",
    `${name} can't be read below ${root}: ${reason}; add it, or run Rekindle in its project`,
    { cause },
  );
}

function kindOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return "a symbolic link";
  if (entry.isSocket()) return "a socket";
  return entry.isFIFO() ? "a named pipe" : "a device";
}
