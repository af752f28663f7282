import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { commandLine } from "./processes.ts";

/** Where this process makes something that gets its name, without the process's number, when it is whole. */
export function asideOf(path: string): string {
  return `${path}.${process.pid}`;
}

/** Removes what processes have left aside in a folder that were killed. */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = /\.(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && (await commandLine(Number(pid))) === undefined)
      await rm(join(folder, name), { recursive: true, force: true });
  }
}
