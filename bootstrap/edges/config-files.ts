import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { ConfigFiles } from "../config/files.ts";
import { RekindleError } from "../errors.ts";

const folders = ["configs", "cloud-init"];

/** Every file of a work tree that a release or a check may look at. Links and the like are refused, as in a commit. */
export async function readConfigFiles(root: string): Promise<ConfigFiles> {
  const files = new Map<string, { content: Uint8Array; mode: string }>();
  for (const folder of folders) {
    for (const entry of await list(join(root, folder))) {
      if (entry.isDirectory()) continue;
      const path = join(entry.parentPath, entry.name);
      const name = relative(root, path).split(sep).join("/");
      if (!entry.isFile()) {
        throw new RekindleError(
          "bad-input",
          `${name} is no regular file, and a release carries nothing else; put a file there`,
        );
      }
      const mode = ((await stat(path)).mode & 0o100) === 0 ? "0644" : "0755";
      files.set(name, { content: await readFile(path), mode });
    }
  }
  return files;
}

async function list(folder: string) {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (cause) {
    throw new RekindleError(
      "bad-input",
      `${folder} can't be read: ${(cause as Error).message}; run Rekindle in its project`,
      { cause },
    );
  }
}
