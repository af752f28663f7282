import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { commandLine } from "./processes.ts";

export type Claim = { kind: "held" } | { kind: "taken"; pid: number };

/** Exit code of a gateway that found another one in its folder (EX_TEMPFAIL). */
export const takenExitCode = 75;

/**
 * Claims a folder for this process. One of many that try at the same time gets it. A lock whose process is gone, or
 * whose process id now belongs to a program that has nothing to do with this folder, is taken over.
 */
export async function claim(path: string, folder: string): Promise<Claim> {
  for (;;) {
    if (await create(path, String(process.pid))) return { kind: "held" };
    const holder = await lockHolder(path, folder);
    if (holder.kind === "live") return { kind: "taken", pid: holder.pid };
    if (holder.kind === "stale") await removeStale(path, holder.content);
  }
}

export type LockHolder =
  | { kind: "none" }
  | { kind: "stale"; content: string }
  | { kind: "live"; pid: number };

/** Who holds a folder's lock. */
export async function lockHolder(path: string, folder: string): Promise<LockHolder> {
  const content = await readFile(path, "utf8").catch(() => undefined);
  if (content === undefined) return { kind: "none" };
  const pid = Number(content);
  const command = content === "" ? undefined : await commandLine(pid);
  if (pid !== process.pid && command?.includes(folder)) return { kind: "live", pid };
  return { kind: "stale", content };
}

/** A link, not an exclusive open: whoever sees the lock also sees what is in it. */
async function create(path: string, content: string): Promise<boolean> {
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, content);
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Moves it aside before looking again: two that found the same stale lock must not remove each other's new one. */
async function removeStale(path: string, content: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const moved = await readFile(aside, "utf8");
  // Someone was faster, and this is the new one: back it goes.
  if (moved !== content) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}
