import { tags } from "../config/names.ts";
import { RekindleError } from "../errors.ts";
import { volumeSet } from "../recovery/point.ts";
import { whose } from "../restore/live-volume.ts";
import {
  describeReplacement,
  type Exchange,
  interruptedReplacement,
  knownBefore,
  newerData,
  planReplacement,
  type Replacement,
} from "../restore/replacement.ts";
import { type Found, findServer, pointFor, type RestoreContext } from "./restore-server.ts";
import { Undo } from "./undo.ts";
import { allOf, volumeMoves } from "./volume-moves.ts";

export interface ReplaceContext extends RestoreContext {
  /** Looks, and changes nothing. */
  dryRun: boolean;
  /** What is newer than the recovery point may go. */
  replaceNewer: boolean;
}

export type Replaced =
  | { kind: "planned"; plan: Replacement }
  | {
      kind: "replaced";
      plan: Replacement;
      /** Volume's name → the volume that is attached now. */
      volumes: Record<string, string>;
      /** Volume that was replaced → the snapshot of what it held at last. */
      before: Record<string, string>;
    };

/**
 * Replaces a running server's data by a recovery point's. What it had stays, detached and as a snapshot; when something
 * fails it is attached again. A run that was killed is settled first by the next one.
 */
export async function restoreVolume(context: ReplaceContext): Promise<Replaced> {
  const found = await findServer(context);
  if (context.dryRun) {
    await settle(context, found);
    return { kind: "planned", plan: await planFor(context, found) };
  }
  return await found.region.alone(found.server, context.signal, async (signal) => {
    const own = { ...context, signal };
    await settle(own, found);
    const plan = await planFor(own, found);
    refuseNewer(own, plan);
    for (const line of describeReplacement(plan)) context.print(line);
    return await exchange(own, found, plan);
  });
}

async function planFor(context: ReplaceContext, found: Found): Promise<Replacement> {
  const { topology, signal } = context;
  const { server, region } = found;
  const point = await pointFor(context, found);
  const since = knownBefore(volumeSet(point, server.server)!);
  const [live, data] = await Promise.all([
    region.volumes.of(topology.environment.name, server),
    region.data(server, signal).look(since),
  ]);
  const role = topology.roles[server.role]!;
  const planned = planReplacement({ server, role, region: region.volumes.region, point, live, data });
  if (planned.kind === "planned") return planned.plan;
  throw new RekindleError("refused", `the data of ${server.server} can't be replaced`, {
    details: planned.reasons,
  });
}

function refuseNewer({ replaceNewer }: ReplaceContext, plan: Replacement): void {
  const newer = newerData(plan);
  if (newer === undefined || replaceNewer) return;
  throw new RekindleError(
    "refused",
    `${newer}; nothing was changed. To replace it all the same, add --replace-newer: it stays on its volumes, and as a snapshot. ` +
      "To look at the old state beside it, take --beside",
  );
}

async function exchange(context: ReplaceContext, found: Found, plan: Replacement): Promise<Replaced> {
  const { topology, signal, print, clock } = context;
  const { server, region } = found;
  const moves = volumeMoves(region.volumes, context);
  const data = region.data(server, signal);
  const undo = new Undo();
  let before = new Map<string, string>();
  try {
    // Before anything is stopped: making them takes longer than all the rest.
    const exchanges = await make(found, plan, undo);
    await allOf(exchanges, ({ made }) => moves.available(made));
    print(`made ${exchanges.map(({ made }) => made).join(", ")}`);
    undo.push(`the data of ${server.server}`, () => putBack(context, found, exchanges), "put back");
    const own = whose(topology.environment.name, server);
    // By that they are found by whoever goes on after this was killed with nothing attached.
    await region.volumes.tag(
      exchanges.map(({ present }) => present),
      own,
    );
    for (const line of await data.release()) print(line);
    const taken = await region.snapshots.take(server.instance, {
      ...own,
      [tags.replaced]: clock.now().toISOString(),
    });
    before = taken.snapshots;
    print(`what it holds now is in ${[...before.values()].join(", ")}`);
    await allOf(exchanges, ({ present }) => moves.detach(present));
    await allOf(exchanges, ({ made, device }) => moves.attach(made, server.instance, device));
    print("the new volumes are attached; rekindle-boot mounts them and starts the services");
    await data.resume();
    await setAside(
      context,
      found,
      exchanges.map(({ present }) => present),
    );
    const named = plan.volumes.map(({ name, present }) => [
      name,
      exchanges.find((one) => one.present === present)!.made,
    ]);
    return {
      kind: "replaced",
      plan,
      volumes: Object.fromEntries(named),
      before: Object.fromEntries(before),
    };
  } catch (error) {
    const left = await undo.run();
    // They are worth their space only as long as not everything is as before.
    if (left.length === 0)
      for (const id of before.values()) await region.snapshots.remove(id).catch(() => left.push(id));
    throw failed(server.server, error, left);
  }
}

async function make({ region }: Found, plan: Replacement, undo: Undo): Promise<Exchange[]> {
  const exchanges: Exchange[] = [];
  await allOf(plan.volumes, async ({ snapshot, shape, tags: labels, present, device }) => {
    const made = await region.volumes.create(snapshot, shape, labels);
    undo.push(`volume ${made}`, () => region.volumes.remove(made));
    exchanges.push({ made, present, device });
  });
  return exchanges;
}

/** From wherever an exchange was cut short, back to the volumes that were there before. */
async function putBack(
  context: RestoreContext,
  { server, region }: Found,
  exchanges: readonly Exchange[],
): Promise<void> {
  // Whoever interrupts wants it to be as before, too.
  const patience = { ...context, signal: new AbortController().signal };
  const moves = volumeMoves(region.volumes, patience);
  const data = region.data(server, patience.signal);
  const live = await region.volumes.of(context.topology.environment.name, server);
  const isAttached = (id: string) => live.find((volume) => volume.id === id)?.attachment !== undefined;
  if (exchanges.some(({ made }) => isAttached(made))) await data.release();
  await allOf(exchanges, ({ made }) => moves.detach(made));
  await allOf(exchanges, ({ present, device }) => moves.attach(present, server.instance, device));
  await data.resume();
}

/** From here on these volumes are none of the server's, and are kept. */
async function setAside(
  { clock }: RestoreContext,
  { region, server }: Found,
  volumes: readonly string[],
): Promise<void> {
  const at = clock.now().toISOString();
  const Name = `${server.server}, replaced at ${at}`;
  await region.volumes.tag(volumes, { [tags.replaced]: at, Name });
}

/** Ends what a run that was killed has begun: forwards where the server may have written to the new volumes already. */
async function settle(context: ReplaceContext, found: Found): Promise<void> {
  const { topology, print, dryRun } = context;
  const { server, region } = found;
  const live = await region.volumes.of(topology.environment.name, server);
  const interrupted = interruptedReplacement(live, server.instance);
  if (interrupted === undefined) return;
  const { exchanges, isComplete } = interrupted;
  const ids = exchanges.map(({ made }) => made).join(", ");
  if (dryRun) {
    throw new RekindleError(
      "refused",
      `an earlier restore of ${server.server} was cut short, and has left ${ids}; run it again without --dry-run, which settles it first`,
    );
  }
  if (isComplete) {
    print(`an earlier restore was cut short after it had attached ${ids}: it is brought to its end`);
    return await bringToItsEnd(context, found, exchanges);
  }
  print(`an earlier restore was cut short, and has left ${ids}: the volumes before are put back first`);
  await putBack(context, found, exchanges);
  for (const { made } of exchanges) await region.volumes.remove(made);
}

/** What does not get healthy gives way to what was before, and is kept all the same: somebody may have written to it. */
async function bringToItsEnd(
  context: RestoreContext,
  found: Found,
  exchanges: readonly Exchange[],
): Promise<void> {
  const { server, region } = found;
  try {
    await region.data(server, context.signal).resume();
  } catch (error) {
    context.print(`${(error as Error).message}: the volumes before are put back`);
    await putBack(context, found, exchanges);
    return await setAside(
      context,
      found,
      exchanges.map(({ made }) => made),
    );
  }
  await setAside(
    context,
    found,
    exchanges.map(({ present }) => present),
  );
}

function failed(server: string, error: unknown, left: readonly string[]): RekindleError {
  const { message } = error as Error;
  const [kind, details] =
    error instanceof RekindleError ? [error.kind, error.details] : (["tool-failed", []] as const);
  return new RekindleError(
    kind,
    left.length === 0
      ? `the data of ${server} was not replaced, and is as before: ${message}`
      : `the data of ${server} was not replaced, and not everything is as before; run it again, which puts it back first: ${message}`,
    { cause: error, details: [...details, ...left] },
  );
}
