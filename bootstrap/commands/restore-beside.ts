import { tags } from "../config/names.ts";
import { RekindleError } from "../errors.ts";
import { type Beside, besideFolder, planBeside } from "../restore/beside.ts";
import { besideVolumes } from "../restore/replacement.ts";
import { findServer, pointFor, type RestoreContext } from "./restore-server.ts";
import { Undo } from "./undo.ts";
import { allOf, volumeMoves } from "./volume-moves.ts";

/** Mounts a recovery point's data read-only beside what a running server has. What an earlier run has made is used. */
export async function openBeside(context: RestoreContext & { dryRun: boolean }): Promise<Beside> {
  const { topology, signal, dryRun, print } = context;
  const found = await findServer(context);
  const { server, region } = found;
  const point = await pointFor(context, found);
  const live = await region.volumes.of(topology.environment.name, server);
  const role = topology.roles[server.role]!;
  const planned = planBeside({ server, role, region: region.volumes.region, point, live });
  if (planned.kind === "refused") throw new RekindleError("refused", planned.reason);
  const { plan } = planned;
  if (dryRun) return plan;
  const moves = volumeMoves(region.volumes, context);
  // What is undone has no say in whether it may go on.
  const undoing = volumeMoves(region.volumes, { ...context, signal: new AbortController().signal });
  const devices = plan.volumes.map(({ device }) => device);
  const undo = new Undo();
  try {
    await allOf(plan.volumes, async (volume) => {
      const id = volume.made ?? (await region.volumes.create(volume.snapshot, volume.shape, volume.tags));
      if (volume.made === undefined) undo.push(`volume ${id}`, () => region.volumes.remove(id));
      volume.made = id;
    });
    await allOf(plan.volumes, async ({ made, device }) => {
      undo.push(`volume ${made}`, () => undoing.detach(made!), "detached");
      await moves.attach(made!, server.instance, device);
    });
    print(`attached ${plan.volumes.map(({ made, device }) => `${made} at ${device}`).join(", ")}`);
    undo.push(
      plan.folder,
      () => region.data(server, new AbortController().signal).closeBeside(plan.folder, devices),
      "unmounted",
    );
    await region.data(server, signal).openBeside(plan.folder, devices);
    return plan;
  } catch (error) {
    const left = await undo.run();
    const kind = error instanceof RekindleError ? error.kind : "tool-failed";
    throw new RekindleError(
      kind,
      `${plan.point} could not be put beside the data of ${server.server}: ${(error as Error).message}` +
        (left.length === 0 ? "" : "; take away what is left: add --detach"),
      { cause: error, details: left },
    );
  }
}

/** Takes away what lies beside a server's data: of one point, or all of it. Nothing there is fine. */
export async function closeBeside(context: RestoreContext & { dryRun: boolean }): Promise<string[]> {
  const { topology, signal, wish, dryRun } = context;
  const { server, region } = await findServer(context);
  const live = await region.volumes.of(topology.environment.name, server);
  const beside = besideVolumes(live).filter(
    (volume) => wish.kind !== "point" || volume.tags[tags.beside] === wish.id,
  );
  if (dryRun) return beside.map(({ id }) => id);
  const moves = volumeMoves(region.volumes, context);
  for (const point of new Set(beside.map((volume) => volume.tags[tags.beside]!))) {
    const own = beside.filter((volume) => volume.tags[tags.beside] === point);
    const devices = own.flatMap(({ attachment }) => (attachment === undefined ? [] : [attachment.device]));
    if (devices.length > 0) await region.data(server, signal).closeBeside(besideFolder(point), devices);
    await allOf(own, ({ id }) => moves.detach(id));
    await allOf(own, ({ id }) => region.volumes.remove(id));
  }
  return beside.map(({ id }) => id);
}
