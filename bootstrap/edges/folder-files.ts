import { randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RekindleError } from "../errors.ts";
import type { TreeEntry } from "../release/tree.ts";
import { hasCode } from "./hosts/source.ts";

/**
 * A folder that stands for a server's root: templates are put there as they are, and owners, which this machine need not
 * have, are not set. What differs from what is to be put there is never replaced.
 */
export function folderFiles(folder: string) {
  return {
    name: folder,
    isLive: false,
    async read(paths: readonly string[]): Promise<TreeEntry[]> {
      const found = await Promise.all(paths.map((path) => entryAt(folder, path)));
      return found.flatMap((entry) => entry ?? []);
    },
    async put(_role: string, entries: readonly TreeEntry[]): Promise<undefined> {
      const there = (await Promise.all(entries.map(({ path }) => entryAt(folder, path)))).flatMap(
        (one) => one ?? [],
      );
      const inTheWay = there.filter(({ kind }) => kind !== "directory").map(({ path }) => join(folder, path));
      if (inTheWay.length > 0)
        throw new RekindleError("refused", `${folder} has other files already; name a new folder`, {
          details: inTheWay,
        });
      // Links come last, so that nothing could be written through one of them.
      const order = { directory: 0, file: 1, link: 2 };
      for (const entry of [...entries].sort((a, b) => order[a.kind] - order[b.kind]))
        await putOne(folder, entry).catch((error: Error) => {
          throw new RekindleError(
            "refused",
            `${entry.path} can't be put into ${folder} (${error.message}); mend that and run again, or name another folder`,
            { cause: error },
          );
        });
    },
  };
}

async function entryAt(folder: string, path: string): Promise<TreeEntry | undefined> {
  const full = join(folder, path);
  const found = await lstat(full).catch((error: unknown) => {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  const owned = { path, owner: String(found.uid), group: String(found.gid) };
  const mode = (found.mode & 0o7777).toString(8).padStart(4, "0");
  if (found.isSymbolicLink()) return { kind: "link", ...owned, target: await readlink(full) };
  if (found.isDirectory()) return { kind: "directory", ...owned, mode };
  if (found.isFile()) return { kind: "file", ...owned, mode, content: await readFile(full), template: false };
  throw new RekindleError("refused", `${full} is neither file nor folder; move it, or name a new folder`);
}

async function putOne(folder: string, entry: TreeEntry): Promise<void> {
  const full = join(folder, entry.path);
  await mkdir(dirname(full), { recursive: true });
  if (entry.kind === "directory") {
    await mkdir(full, { recursive: true });
    return chmod(full, Number.parseInt(entry.mode, 8));
  }
  const aside = `${full}.${randomUUID()}`;
  try {
    if (entry.kind === "link") await symlink(entry.target, aside);
    else {
      await writeFile(aside, entry.content, { mode: 0o600, flag: "wx" });
      await chmod(aside, Number.parseInt(entry.mode, 8));
    }
    await rename(aside, full);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}
