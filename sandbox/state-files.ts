import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What a gateway writes when it is ready: how to reach it and how to know that it is still the same one. */
export interface GatewayRecord {
  version: 1;
  id: string;
  pid: number;
  port: number;
  motoPid: number;
  motoPort: number;
  startedAt: string;
}

export interface StateFiles {
  record: string;
  /** Held by the one gateway of this folder for as long as it lives. */
  lock: string;
  log: string;
  motoLog: string;
  requests: string;
}

export function stateFiles(folder: string): StateFiles {
  return {
    record: join(folder, "gateway.json"),
    lock: join(folder, "gateway.lock"),
    log: join(folder, "gateway.log"),
    motoLog: join(folder, "moto.log"),
    requests: join(folder, "requests.jsonl"),
  };
}

/** Readers see a whole record or none. */
export async function writeRecord(path: string, record: GatewayRecord): Promise<void> {
  const aside = `${path}.${record.pid}`;
  await writeFile(aside, `${JSON.stringify(record, undefined, 2)}\n`);
  await rename(aside, path);
}

/** Undefined when there is none, or none that can be read: then no gateway can be spoken to. */
export async function readRecord(path: string): Promise<GatewayRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(path, "utf8")) as GatewayRecord;
    return record.version === 1 ? record : undefined;
  } catch {
    return undefined;
  }
}
