import { readFile } from "node:fs/promises";
import type { Clock } from "../bootstrap/edges/clock.ts";
import { type GatewayRecord, readRecord, type StateFiles, writeRecord } from "./state-files.ts";

const lookEveryMs = 500;

/** Whether a folder's lock is still this process's: not when the folder was removed, even if another gateway made it anew. */
export async function holdsLock({ lock }: StateFiles): Promise<boolean> {
  return (await readFile(lock, "utf8").catch(() => "")) === String(process.pid);
}

/**
 * Sees to it that a gateway can always be found, and so be stopped: a record that was damaged or removed is written
 * again. Resolves when the lock is lost: then nobody can find this gateway any more, and it has to end.
 */
export async function stayFindable(files: StateFiles, record: GatewayRecord, clock: Clock): Promise<void> {
  while (await holdsLock(files)) {
    // What a folder loses while this writes is noticed at the next look.
    if ((await readRecord(files.record))?.id !== record.id)
      await writeRecord(files.record, record).catch(() => undefined);
    await clock.sleep(lookEveryMs);
  }
}
