import { rm } from "node:fs/promises";
import type { RehearsalData } from "../commands/rehearse.ts";
import type { Topology } from "../config/schema.ts";
import { isStateful } from "../config/servers.ts";
import type { KnownEngine } from "../edges/engines.ts";
import { findSandbox, type Sandbox, sandboxEnvironment } from "../edges/sandbox.ts";
import { RekindleError } from "../errors.ts";
import { volumeSet } from "../recovery/point.ts";
import { rehearsedServer } from "../rehearsal/server.ts";
import { cloudOfSandbox } from "./cloud.ts";
import { sandboxFolder } from "./project.ts";
import type { Running } from "./shell.ts";

/** The data of a recovery point of this project's sandbox, copied for one rehearsal. */
export interface PointData extends RehearsalData {
  /** The sandbox's engine: no other one can read its disks. */
  engine: KnownEngine;
  discard(): Promise<void>;
}

/**
 * Only a sandbox with bodies has its snapshots' data on this computer. The recovery region's copies are taken: they
 * are there, whatever happened to the other region.
 */
export async function dataOfPoint(
  id: string,
  { topology, role }: { topology: Topology; role: string },
  run: Running,
): Promise<PointData> {
  if (!isStateful(topology.roles[role]!)) {
    throw new RekindleError(
      "bad-input",
      `role ${role} has no data volumes, and so nothing that could come from ${id}; leave --from out`,
    );
  }
  const { sandbox, engine } = await sandboxWithBodies(id, run);
  const { name, regions } = topology.environment;
  const region = regions.recovery;
  const wish = { region, terraformCliConfig: undefined, inherited: {} };
  const cloud = cloudOfSandbox(topology, sandboxEnvironment(sandbox, wish).set, run.stopwatch);
  const { catalog } = cloud.recovery;
  const point = await catalog.point(id);
  if (point?.status !== "complete") {
    const newest = await catalog.points(10);
    const known = newest.filter(({ status }) => status === "complete").map((one) => one.id);
    throw new RekindleError(
      "no-recovery-point",
      `the sandbox has no complete recovery point ${JSON.stringify(id)} of ${name}; ${known.length === 0 ? "take one with: rekindle snapshot" : `it has ${known.join(", ")}`}`,
    );
  }
  const server = rehearsedServer(topology, role).name;
  const volumes: Record<string, { sizeGiB: number; folder: string }> = {};
  const discard = async () => {
    for (const { folder } of Object.values(volumes)) await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const { name: volume } of topology.roles[role]!.volumes) {
      const found = volumeSet(point, server)?.volumes.find((one) => one.name === volume);
      const snapshot = found?.snapshots[region];
      if (found === undefined || snapshot === undefined) {
        throw new RekindleError(
          "no-recovery-point",
          `${id} has no snapshot of volume ${volume} of ${server} in ${region}; name another point`,
        );
      }
      volumes[volume] = { sizeGiB: found.sizeGiB, folder: await sandbox.saveSnapshot(region, snapshot) };
    }
  } catch (error) {
    await discard();
    throw error;
  }
  return { point: id, volumes, engine, discard };
}

async function sandboxWithBodies(
  id: string,
  { clock }: Running,
): Promise<{ sandbox: Sandbox; engine: KnownEngine }> {
  const sandbox = await findSandbox(sandboxFolder(), clock);
  if (sandbox === undefined) {
    throw new RekindleError(
      "refused",
      `the data of ${id} is not on this computer: only a running sandbox has the disks of its recovery points, and AWS gives its own to none; ` +
        "keep one with `rekindle gameday --engine box --keep`, or leave --from out",
    );
  }
  const { engine } = await sandbox.status();
  if (engine !== "none") return { sandbox, engine };
  throw new RekindleError(
    "refused",
    `the sandbox at ${sandbox.endpoint} runs without an engine, so that its snapshots hold no data; start one with --engine box`,
  );
}
