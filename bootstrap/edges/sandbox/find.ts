import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { lockHolder } from "../../../sandbox/lock.ts";
import type { SandboxStatus } from "../../../sandbox/protocol.ts";
import { type GatewayRecord, readRecord, stateFiles } from "../../../sandbox/state-files.ts";
import { RekindleError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { askGateway, connectSandbox, type Sandbox } from "./client.ts";
import { endOrphan, isGateway, within } from "./stop.ts";

/**
 * The sandbox that runs for a folder, or undefined. What a killed gateway left behind is cleared away: its record,
 * and its emulator if that outlived it. A process is only ever ended when its command line shows that it is ours.
 */
export async function findSandbox(stateDir: string, clock: Clock): Promise<Sandbox | undefined> {
  const folder = resolve(stateDir);
  const { record: path } = stateFiles(folder);
  const record = (await readRecord(path)) ?? (await comingRecord(folder, clock));
  if (record === undefined) return undefined;
  const endpoint = `http://127.0.0.1:${record.port}`;
  if (await isThatGateway(endpoint, record)) {
    return connectSandbox({ endpoint, stateDir: folder, pid: record.pid, id: record.id }, clock);
  }
  if (await isGateway(record.pid, folder)) {
    throw new RekindleError(
      "unreachable",
      `the sandbox's gateway (process ${record.pid}) runs but does not answer at ${endpoint}; end it with: kill -9 ${record.pid}, then start it again`,
    );
  }
  await endOrphan(record, clock);
  // Another start may have replaced it meanwhile.
  if ((await readRecord(path))?.id === record.id) await rm(path, { force: true });
  return undefined;
}

const comingMs = 5_000;

/** A gateway that starts has no record yet, and one that lost its record writes it again: either takes a moment. */
async function comingRecord(folder: string, clock: Clock): Promise<GatewayRecord | undefined> {
  const files = stateFiles(folder);
  let record: GatewayRecord | undefined;
  let holder = await lockHolder(files.lock, folder);
  const isDecided = async () => {
    record = await readRecord(files.record);
    holder = await lockHolder(files.lock, folder);
    return record !== undefined || holder.kind !== "live";
  };
  if (holder.kind !== "live" || (await within(comingMs, isDecided, clock))) return record;
  throw new RekindleError(
    "unreachable",
    `the sandbox's gateway (process ${holder.pid}) is not ready; wait until it is, or end it with: kill ${holder.pid}`,
  );
}

/** Another program may have got its port, and its process id. */
async function isThatGateway(endpoint: string, { id }: GatewayRecord): Promise<boolean> {
  try {
    return (await askGateway<Partial<SandboxStatus> | null>(endpoint, "GET", "status"))?.id === id;
  } catch {
    return false;
  }
}
