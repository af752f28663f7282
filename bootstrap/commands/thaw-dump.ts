import { type Dump, totalBytes } from "../dump/dump.ts";
import type { ObjectStore } from "../edges/aws/objects.ts";
import { estimateDumpThaw, type ThawEstimate } from "../recovery/thaw-cost.ts";
import { requestObjects, type ThawContext, thawObjects } from "./thaw-release.ts";

/** How much of a dump can be read in one region. */
export interface ThawedDump {
  region: string;
  /** Parts that can't be read yet. */
  objects: string[];
  /** What thawing them costs, whoever asked for it. */
  estimate: ThawEstimate;
  state: "readable" | "thawing";
}

/** Asks for every part of a complete dump that lies in a Glacier class, and waits for nothing. */
export async function requestDump(
  store: ObjectStore,
  dump: Dump,
  context: Pick<ThawContext, "print">,
): Promise<ThawedDump> {
  const objects = (await requestObjects(store, partsIn(store, dump), context)).map(({ key }) => key);
  const cold = dump.parts.filter(({ key }) => objects.includes(key));
  return {
    region: store.region,
    objects,
    estimate: estimateDumpThaw(totalBytes({ parts: cold }), cold.length),
    state: objects.length === 0 ? "readable" : "thawing",
  };
}

/** Waits until all of it can be read, which takes minutes to hours. */
export async function waitForDump(
  store: ObjectStore,
  dump: Dump,
  asked: ThawedDump,
  context: ThawContext,
): Promise<ThawedDump> {
  await thawObjects(store, partsIn(store, dump), context);
  return { ...asked, objects: [], state: "readable" };
}

function partsIn({ region }: ObjectStore, { parts }: Dump) {
  return parts.map(({ key, versions }) => ({ key, versionId: versions[region]! }));
}
