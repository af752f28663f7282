import { durationSeconds } from "../config/duration.ts";
import { type LockOptions, underLock } from "../edges/bucket-lock.ts";
import { decideImages, type ImageDecision } from "../recovery/image-retention.ts";
import { KnownPoints } from "../recovery/known-points.ts";
import type { Leftover } from "../recovery/leftovers.ts";
import { acrossRegions } from "../recovery/regional-index.ts";
import {
  type Decision,
  decideRetention,
  isForTheArchive,
  type RetentionContext,
} from "../recovery/retention.ts";
import { archivePoints } from "./prune-archive.ts";
import { type PruneContext, readProtections } from "./prune-context.ts";
import { decideDumps, removeDumps } from "./prune-dumps.ts";
import { everyImage, neededRecipes, removeImages } from "./prune-images.ts";
import { findLeftovers, removeLeftovers } from "./prune-leftovers.ts";
import { removePoints } from "./prune-points.ts";

/** What a prune decided, in numbers and names that stay few; the points themselves are told one by one. */
export interface Pruned {
  version: 1;
  environment: string;
  now: string;
  kept: number;
  removed: number;
  dumps: { id: string; action: Decision["action"]; reasons: string[] }[];
  /** Points whose volumes' snapshots belong into the archive tier. */
  archive: string[];
  images: ImageDecision[];
  leftovers: Leftover[];
  faults: string[];
}

/** So many points are removed at a time; EC2 takes 200 values in one filter. */
const batchSize = 50;

/** Decides, and removes nothing. Whoever only looks disturbs nobody, and waits for nobody. */
export function dryPrune(context: PruneContext): Promise<Pruned> {
  return decideAll(context, dryHands);
}

/** Decides, and carries it out: one prune at a time, whichever machine it is on. */
export function prune(context: PruneContext, lock: Omit<LockOptions, "name" | "signal">): Promise<Pruned> {
  return pruning(context, lock, (inside) => decideAll(inside, removingHands(inside)));
}

/** Removes leftovers by name, and nothing else. */
export function pruneLeftovers(
  context: PruneContext,
  lock: Omit<LockOptions, "name" | "signal">,
  names: readonly string[],
): Promise<Pruned> {
  return pruning(context, lock, async (inside) => {
    const pruned = await decideAll(inside, dryHands);
    const removed = await removeLeftovers(inside.regions, pruned.leftovers, names);
    return { ...pruned, leftovers: pruned.leftovers.filter((one) => !removed.includes(one)) };
  });
}

function pruning<T>(
  context: PruneContext,
  lock: Omit<LockOptions, "name" | "signal">,
  work: (inside: PruneContext) => Promise<T>,
): Promise<T> {
  const { store } = context.regions[0]!.catalog;
  return underLock(store, { ...lock, name: "prune", signal: context.signal }, (signal) =>
    work({ ...context, signal }),
  );
}

/** What carries decisions out; a dry run's does nothing. Each gives what went wrong, by name. */
interface Hands {
  remove(points: readonly string[]): Promise<string[]>;
  archive(points: readonly string[]): Promise<string[]>;
  removeDumps(dumps: readonly string[]): Promise<string[]>;
  removeImages(decisions: readonly ImageDecision[]): Promise<string[]>;
}

const dryHands: Hands = {
  remove: async () => [],
  archive: async () => [],
  removeDumps: async () => [],
  removeImages: async () => [],
};

function removingHands(context: PruneContext): Hands {
  return {
    remove: (points) => removePoints(context, points),
    archive: (points) => archivePoints(context, points),
    removeDumps: (dumps) => removeDumps(context, dumps),
    removeImages: (decisions) => removeImages(context, decisions),
  };
}

/**
 * Decides about every recovery point of every region, the newest first, then about images, and looks for leftovers. One
 * page of the index is in memory at a time. What could not be looked at raises, and nothing is removed on that word.
 */
async function decideAll(context: PruneContext, hands: Hands): Promise<Pruned> {
  const { topology, regions, policy, now } = context;
  await Promise.all(
    regions.map(({ region }) => context.account.demand(topology.environment.account, region)),
  );
  await Promise.all(regions.map(({ catalog }) => catalog.store.inspect()));
  const protections = await readProtections(regions, now);
  const retention: RetentionContext = {
    policy,
    regions: regions.map(({ region }) => region),
    protections: protections.points,
    now,
  };
  const pruned: Pruned = {
    version: 1,
    environment: topology.environment.name,
    now,
    kept: 0,
    removed: 0,
    dumps: [],
    archive: [],
    images: [],
    leftovers: [],
    faults: [],
  };
  const known = new KnownPoints();
  const kept: string[] = [];
  let batch: string[] = [];
  const removeBatch = async () => {
    context.signal.throwIfAborted();
    pruned.faults.push(...(await hands.remove(batch)));
    batch = [];
  };
  const indexes = Object.fromEntries(regions.map(({ region, catalog }) => [region, catalog.entries()]));
  for await (const decision of decideRetention(acrossRegions(indexes), retention)) {
    context.tell(decision);
    known.add(decision.point);
    if (isForTheArchive(decision, retention)) pruned.archive.push(decision.point.id);
    if (decision.action === "keep") kept.push(decision.point.id);
    else batch.push(decision.point.id);
    if (batch.length === batchSize) await removeBatch();
    pruned[decision.action === "keep" ? "kept" : "removed"]++;
  }
  if (batch.length > 0) await removeBatch();
  if (pruned.archive.length > 0) pruned.faults.push(...(await hands.archive(pruned.archive)));

  const dumps = await decideDumps(context, retention);
  pruned.dumps = dumps.map(({ point, action, reasons }) => ({
    id: point.id,
    action,
    reasons: reasons.map(({ text }) => text),
  }));
  const doomed = pruned.dumps.filter(({ action }) => action === "remove").map(({ id }) => id);
  if (doomed.length > 0) pruned.faults.push(...(await hands.removeDumps(doomed)));

  const images = await everyImage(regions);
  const ofAge = new Date(Date.parse(now) - durationSeconds(policy.minimumAge) * 1000).toISOString();
  const youngerThan = { moment: ofAge, age: policy.minimumAge };
  const needed = await neededRecipes(context, { images, youngerThan, kept, pinned: protections.recipes });
  pruned.images = decideImages(images, needed, youngerThan);
  pruned.faults.push(...(await hands.removeImages(pruned.images)));
  pruned.leftovers = await findLeftovers(context, known, images);
  return pruned;
}
