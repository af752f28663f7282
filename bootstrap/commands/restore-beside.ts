import { tags } from "../config/names.ts";
import { RekindleError } from "../errors.ts";
import { type Beside, besideFolder, planBeside } from "../restore/beside.ts";
import { besideVolumes } from "../restore/replacement.ts";
import { type Found, findServer, pointFor, type RestoreContext } from "./restore-server.ts";
import { Undo } from "./undo.ts";
import { allOf, volumeMoves } from "./volume-moves.ts";

/** Mounts a recovery point's data read-only beside what a running server has. What an earlier run has made is used. */
export async function openBeside(context: RestoreContext & { dryRun: boolean }): Promise<Beside> {
  const found = await findServer(context);
  if (context.dryRun) return await planFor(context, found);
  return await found.region.alone(found.server, context.signal, async (signal) => {
    const plan = await planFor({ ...context, signal }, found);
    await attach({ ...context, signal }, found, plan);
    return plan;
  });
}

async function planFor(context: RestoreContext, found: Found): Promise<Beside> {
  const { topology } = context;
  const { server, region } = found;
  const point = await pointFor(context, found);
  const live = await region.volumes.of(topology.environment.name, server);
  const role = topology.roles[server.role]!;
  const planned = planBeside({ server, role, region: region.volumes.region, point, live });
  if (planned.kind === "planned") return planned.plan;
  throw new RekindleError("refused", planned.reason);
}

async function attach(context: RestoreContext, { server, region }: Found, plan: Beside): Promise<void> {
  const { topology, signal, print } = context;
  const moves = volumeMoves(region.volumes, context);
  // Whoever interrupts wants it to be as before, too.
  const never = new AbortController().signal;
  const undoing = volumeMoves(region.volumes, { ...context, signal: never });
  const undo = new Undo();
  try {
    const made = new Map<string, string>();
    await allOf(plan.volumes, async ({ name, made: earlier, snapshot, shape, tags: labels }) => {
      const id = earlier ?? (await region.volumes.create(snapshot, shape, labels));
      if (earlier === undefined) undo.push(`volume ${id}`, () => region.volumes.remove(id));
      made.set(name, id);
    });
    const attached = plan.volumes.map(({ name, device }) => ({ id: made.get(name)!, device }));
    await allOf(attached, async ({ id, device }) => {
      undo.push(`volume ${id}`, () => undoing.detach(id), "detached");
      await moves.attach(id, server.instance, device);
    });
    print(`attached ${attached.map(({ id, device }) => `${id} at ${device}`).join(", ")}`);
    undo.push(plan.folder, () => region.data(server, never).closeBeside(plan.folder), "unmounted");
    const { layout } = topology.roles[server.role]!.storage!;
    await region.data(server, signal).openBeside(plan.folder, layout, attached);
  } catch (error) {
    const left = await undo.run();
    throw new RekindleError(
      error instanceof RekindleError ? error.kind : "tool-failed",
      `${plan.point} could not be put beside the data of ${server.server}: ${(error as Error).message}` +
        (left.length === 0 ? "" : "; take away what is left: add --detach"),
      { cause: error, details: left },
    );
  }
}

/** Takes away what lies beside a server's data: of one point, or all of it. Nothing there is fine. */
export async function closeBeside(context: RestoreContext & { dryRun: boolean }): Promise<string[]> {
  const found = await findServer(context);
  if (context.dryRun) return (await lyingBeside(context, found)).map(({ id }) => id);
  return await found.region.alone(found.server, context.signal, (signal) =>
    takeAway({ ...context, signal }, found),
  );
}

async function lyingBeside({ topology, wish }: RestoreContext, { server, region }: Found) {
  const live = await region.volumes.of(topology.environment.name, server);
  return besideVolumes(live).filter(
    (volume) => wish.kind !== "point" || volume.tags[tags.beside] === wish.id,
  );
}

async function takeAway(context: RestoreContext, found: Found): Promise<string[]> {
  const { server, region } = found;
  const beside = await lyingBeside(context, found);
  const moves = volumeMoves(region.volumes, context);
  for (const point of new Set(beside.map((volume) => volume.tags[tags.beside]!))) {
    const own = beside.filter((volume) => volume.tags[tags.beside] === point);
    if (own.some(({ attachment }) => attachment !== undefined))
      await region.data(server, context.signal).closeBeside(besideFolder(point));
    await allOf(own, ({ id }) => moves.detach(id));
    await allOf(own, ({ id }) => region.volumes.remove(id));
  }
  return beside.map(({ id }) => id);
}
