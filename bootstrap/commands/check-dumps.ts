import { chooseDump, type DumpWish } from "../dump/choose.ts";
import type { Dump } from "../dump/dump.ts";
import type { ObjectStore } from "../edges/aws/objects.ts";
import type { Check } from "../recovery/check.ts";
import type { CheckContext } from "./check-context.ts";

const newest: DumpWish = { kind: "newest" };

/** Whether the newest dump of each name can be read in the region: all of its parts are there, and none lies in Glacier. */
export async function checkNewestDumps({
  topology,
  region: { region, catalog },
}: CheckContext): Promise<Check[]> {
  return Promise.all(
    Object.keys(topology.environment.dumps).map(async (name) => {
      const choice = chooseDump(await catalog.dumpsUpTo(name, newest), newest, region);
      if (choice.kind === "chosen") return checkDump(catalog.store, choice.dump);
      return {
        name: `a dump of ${name} in ${region}`,
        passed: false,
        expected: "one that is complete here",
        found: choice.reasons.join("; ") || "none was ever taken",
      };
    }),
  );
}

/** The same for every complete dump that the region has an entry of. */
export async function checkEveryDump({ region: { catalog } }: CheckContext): Promise<Check[]> {
  const complete = (await catalog.dumps()).filter(({ status }) => status === "complete");
  return Promise.all(complete.map((dump) => checkDump(catalog.store, dump)));
}

async function checkDump(store: ObjectStore, dump: Dump): Promise<Check> {
  const found = await Promise.all(
    dump.parts.map(async ({ key, versions }) => {
      const versionId = versions[store.region];
      if (versionId === undefined) return `${key} was never copied here`;
      const state = await store.availability(key, versionId);
      if (state === undefined) return `${key} is missing: somebody has deleted it`;
      return state === "readable" ? [] : `${key} is ${state}: rekindle thaw ${dump.id}`;
    }),
  );
  const faults = found.flat();
  return {
    name: `dump ${dump.id} in ${store.region}`,
    passed: faults.length === 0,
    expected: "all of its parts, readable",
    found: faults.join("; ") || `${dump.parts.length} parts, readable`,
  };
}
