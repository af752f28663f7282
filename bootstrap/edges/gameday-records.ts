import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type GameDayRecord, gameDayKey, gameDayPrefix, gameDayRecord } from "../gameday/record.ts";
import type { GameDayReport } from "../gameday/report.ts";
import { decodeJson, encodeJson } from "../json.ts";
import { sha256 } from "../release/digest.ts";
import type { ObjectStore } from "./aws/objects.ts";

/** Keeps a game day in one region's catalog. Doing so again changes nothing. */
export async function keepGameDay(store: ObjectStore, record: GameDayRecord): Promise<void> {
  const body = encodeJson(record);
  await store.create(gameDayKey(record), Buffer.from(body), sha256(body));
}

/** The newest game day that a region's catalog knows. */
export async function newestKeptGameDay(store: ObjectStore): Promise<GameDayRecord | undefined> {
  const key = (await store.list(gameDayPrefix)).at(-1);
  const object = key === undefined ? undefined : await store.get(key);
  return object && decodeJson<GameDayRecord>(`s3://${store.bucket}/${key}`, object.body.toString(), 1);
}

/** The newest game day of an environment that was rehearsed on this machine; one without a report has not ended. */
export async function newestGameDayHere(
  folder: string,
  environment: string,
): Promise<GameDayRecord | undefined> {
  const isOurs = new RegExp(`^${environment}-\\d{8}t\\d{6}-`);
  const days = (await names(folder)).filter((name) => isOurs.test(name)).sort();
  for (const day of days.reverse()) {
    const path = join(folder, day, "report.json");
    const text = await textOf(path);
    if (text !== undefined) return gameDayRecord(decodeJson<GameDayReport>(path, text, 1));
  }
  return undefined;
}

async function names(folder: string): Promise<string[]> {
  return await readdir(folder).catch(nothingIfMissing(() => []));
}

async function textOf(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(nothingIfMissing(() => undefined));
}

function nothingIfMissing<T>(nothing: () => T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return nothing();
    throw error;
  };
}
