import type { ObjectStore } from "../edges/aws/objects.ts";
import { keepGameDay } from "../edges/gameday-records.ts";
import { RekindleError } from "../errors.ts";
import type { GameDayRecord } from "../gameday/record.ts";

/** Keeps a rehearsal where `status` looks on every machine: in both regions' catalogs, the recovery region's first. */
export async function keepGameDayEverywhere(
  stores: { recovery: ObjectStore; primary: ObjectStore },
  record: GameDayRecord,
  print: (line: string) => void,
): Promise<void> {
  await keepGameDay(stores.recovery, record);
  print(`game day ${record.id} is kept in the catalog in ${stores.recovery.region}`);
  try {
    await keepGameDay(stores.primary, record);
  } catch (error) {
    if (!(error instanceof RekindleError) || error.kind !== "unreachable") throw error;
    print(`and not in ${stores.primary.region}: ${error.message}`);
  }
}
