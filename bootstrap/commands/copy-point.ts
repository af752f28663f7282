import { isCluster } from "../config/databases.ts";
import { keyAlias } from "../config/names.ts";
import type { Place } from "../config/places.ts";
import type { Database, Topology } from "../config/schema.ts";
import { AtOnce } from "../edges/at-once.ts";
import type { Account } from "../edges/aws/account.ts";
import type { DatabaseBackups } from "../edges/aws/database-backups.ts";
import type { DatabaseSnapshots } from "../edges/aws/database-snapshots.ts";
import type { SnapshotCopies, SnapshotSource, VolumeSnapshots } from "../edges/aws/snapshots.ts";
import type { Catalog } from "../edges/catalog.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import {
  asSeenFrom,
  type CopiedPart,
  copiedParts,
  lacksOf,
  outcomeOf,
  pointLabel,
  settle,
  sourcesFor,
} from "../recovery/copies.ts";
import { isCompleteIn, type RecoveryPoint } from "../recovery/point.ts";
import { CopyProgress } from "./copy-progress.ts";
import { insist } from "./insist.ts";

const snapshotLimitSeconds = 6 * 60 * 60;

/** What is copied is copied by one command at a time: two would make everything twice. */
export const copyLock = "copy";

/** One place where a recovery point is, or is to be. */
export interface PointPlace {
  place: Place;
  account: Account;
  catalog: Catalog;
  volumes: VolumeSnapshots;
  databases: DatabaseSnapshots;
  /** The same of Aurora's clusters. */
  clusters: DatabaseSnapshots;
  backups: DatabaseBackups;
  copying: AtOnce;
}

export interface CopyContext extends Patience {
  topology: Topology;
  /** The primary, which points are taken in, comes first, and a vault last. */
  places: readonly PointPlace[];
  print(line: string): void;
}

/**
 * Brings every part of a point to every place, and notes in all catalogs how much of it is where. A part that fails
 * adds its reason to its place and stops no other part. What an earlier command has begun goes on. Returns why places
 * did not answer: that such a place had everything stays noted.
 */
export async function copyPoint(context: CopyContext, point: RecoveryPoint): Promise<string[]> {
  const silent = new Map<string, string>();
  const heard = () => context.places.filter(({ place }) => !silent.has(place.name));
  const writing = new AtOnce(1);
  const bring = async (to: PointPlace) => {
    const { name } = to.place;
    try {
      settle(point, name, await faultsIn(context, point, to));
    } catch (error) {
      const { message } = error as Error;
      silent.set(name, message);
      if (point.places?.[name] !== "complete") settle(point, name, [message]);
    }
    await writing.run(() => writePoint(heard(), point));
  };
  await Promise.all(context.places.filter(({ place }) => place.role === undefined).map(bring));
  // A vault takes its copies from the region that it is in.
  await Promise.all(context.places.filter(({ place }) => place.role !== undefined).map(bring));

  const names = context.places.map(({ place }) => place.name);
  point.status = outcomeOf(point, names);
  const unwritten = await writePoint(heard(), point);
  for (const { place, reason } of unwritten) settle(point, place.name, [reason]);
  if (unwritten.length > 0) {
    point.status = outcomeOf(point, names);
    await writePoint(heard(), point);
  }
  return [...silent].map(([name, reason]) => `${name}: ${reason}`);
}

/** Refuses a point that lacks something, and says what becomes of it. */
export function demandComplete(point: RecoveryPoint, unseen: readonly string[] = []): void {
  if (point.status === "complete" && unseen.length === 0) return;
  const details = [...new Set([...lacksOf(point), ...unseen])];
  if (point.faults.length > 0) {
    throw new RekindleError(
      "tool-failed",
      `recovery point ${point.id} is incomplete and will never be chosen; mend what is named below, then take another`,
      { details },
    );
  }
  const complete = Object.keys(point.places ?? {}).filter((place) => isCompleteIn(point, place));
  const where = complete.length === 0 ? "nowhere" : `in ${complete.join(" and ")}`;
  throw new RekindleError(
    "tool-failed",
    `recovery point ${point.id} is complete ${where}, and not everywhere; mend what is named below, then finish it: rekindle copy ${point.id}`,
    { details },
  );
}

/** Why each catalog that could not take the point did not. */
async function writePoint(places: readonly PointPlace[], point: RecoveryPoint) {
  const outcomes = await Promise.allSettled(
    places.map(({ catalog, place }) => catalog.writePoint(asSeenFrom(point, place))),
  );
  return places.flatMap(({ place }, index) => {
    const outcome = outcomes[index]!;
    if (outcome.status === "fulfilled") return [];
    return [{ place, reason: `its catalog could not be written: ${(outcome.reason as Error).message}` }];
  });
}

/** What a place lacks of a point when all was tried. Raises only when the place does not answer. */
async function faultsIn(context: CopyContext, point: RecoveryPoint, to: PointPlace): Promise<string[]> {
  const { account, region } = to.place;
  let key: string;
  try {
    await to.account.demand(account, region);
    key = await to.account.usableKey(region, keyAlias(point.environment));
  } catch (error) {
    if (error instanceof RekindleError && error.kind === "unreachable") throw error;
    return [(error as Error).message];
  }
  const parts = copiedParts(point);
  const { databases } = context.topology.environment;
  const sizes = parts.map((part) => [part, part.sizeGiB ?? storageOf(databases[part.role]) ?? 1] as const);
  const progress = new CopyProgress(to.place.name, context.clock, context.print, new Map(sizes));
  const faults = await Promise.all(
    parts.map(async (part) => {
      try {
        await bringPart({ ...context, point, to, key, progress }, part);
        return [];
      } catch (error) {
        return [`${part.name}: ${(error as Error).message}`];
      }
    }),
  );
  return faults.flat();
}

interface Bringing extends CopyContext {
  point: RecoveryPoint;
  to: PointPlace;
  key: string;
  progress: CopyProgress;
}

async function bringPart(context: Bringing, part: CopiedPart): Promise<void> {
  const { to } = context;
  const { name } = to.place;
  if (to === context.places[0]) {
    const taken = part.snapshots[name];
    if (taken === undefined) throw new RekindleError("tool-failed", "no snapshot of it was taken");
    return arrive(context, part, taken, { isCopy: false });
  }
  const begun = await begunCopy(context, part);
  if (begun !== undefined) {
    await arrive(context, part, begun, { isCopy: true });
    part.snapshots[name] = begun;
    return;
  }
  const source = await readySource(context, part);
  await to.copying.run(async () => {
    const copies = copiesOf(context, to, part);
    const label = pointLabel(context.point, part);
    const copy = await insist(context, `the copy of ${part.name} to ${name}`, () =>
      copies.copy(source, context.key, label),
    );
    await arrive(context, part, copy, { isCopy: true });
    part.snapshots[name] = copy;
  });
}

/** The copy that is noted, or that an interrupted command has started; one that is of no use is removed. */
async function begunCopy(context: Bringing, part: CopiedPart): Promise<string | undefined> {
  const { to, point } = context;
  const copies = copiesOf(context, to, part);
  const [source] = sourceNames(context, part);
  const noted = part.snapshots[to.place.name];
  const begun = noted ?? (source && (await copies.startedCopy(source, pointLabel(point, part))));
  if (begun === undefined) return undefined;
  const state = await copies.state(begun);
  if (state.kind !== "failed") return begun;
  context.print(`${part.name} is copied to ${to.place.name} again: ${state.reason}`);
  await copies.remove(begun);
  delete part.snapshots[to.place.name];
  return undefined;
}

/** The first source that is whole, waited for, and shared with the account that copies it. */
async function readySource(context: Bringing, part: CopiedPart): Promise<SnapshotSource> {
  const reasons: string[] = [];
  for (const source of sourceNames(context, part)) {
    const from = context.places.find(
      ({ place }) => place.region === source.region && place.role === undefined,
    )!;
    const copies = copiesOf(context, from, part);
    try {
      await available(context, `snapshot ${source.snapshot} in ${source.region}`, () =>
        copies.state(source.snapshot),
      );
    } catch (error) {
      if (context.signal.aborted) throw error;
      reasons.push((error as Error).message);
      continue;
    }
    const { account } = context.to.place;
    if (account !== source.account) await copies.share(source.snapshot, account);
    return source;
  }
  throw new RekindleError(
    "tool-failed",
    reasons.length === 0
      ? "there is nothing to copy from"
      : `there is nothing to copy from: ${reasons.join("; ")}`,
  );
}

function sourceNames({ places, to }: Bringing, part: CopiedPart): SnapshotSource[] {
  const all = places.map(({ place }) => place);
  return sourcesFor(part, to.place, all).map(({ name, region, account }) => ({
    region,
    account,
    snapshot: part.snapshots[name]!,
  }));
}

/** Waits until a snapshot is whole. A copy that fails is removed: nobody else knows that it is there. */
async function arrive(
  context: Bringing,
  part: CopiedPart,
  snapshot: string,
  { isCopy }: { isCopy: boolean },
): Promise<void> {
  const copies = copiesOf(context, context.to, part);
  await available(context, `snapshot ${snapshot} in ${context.to.place.name}`, async () => {
    const state = await copies.state(snapshot);
    if (state.kind === "failed") {
      if (isCopy) await copies.remove(snapshot);
      return state;
    }
    context.progress.tell(part, state.kind === "ready" ? 100 : (state.percent ?? 0));
    return state;
  });
}

function available(
  context: CopyContext,
  what: string,
  look: () => ReturnType<SnapshotCopies["state"]>,
): Promise<void> {
  return waitFor(context, what, snapshotLimitSeconds, async () => {
    const state = await look();
    return state.kind === "ready" ? { kind: "ready", value: undefined } : state;
  });
}

function copiesOf(
  { topology }: CopyContext,
  { volumes, databases, clusters }: PointPlace,
  part: CopiedPart,
): SnapshotCopies {
  if (part.kind === "volume") return volumes;
  const database = topology.environment.databases[part.role];
  return database !== undefined && isCluster(database) ? clusters : databases;
}

/** A cluster's is not known before it is asked. */
function storageOf(database: Database | undefined): number | undefined {
  return database === undefined || isCluster(database) ? undefined : database.storageGiB;
}
