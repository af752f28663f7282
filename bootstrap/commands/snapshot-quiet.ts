import { quiesceOf } from "../config/quiesce.ts";
import type { Role } from "../config/schema.ts";
import type { LiveServer } from "../edges/aws/snapshots.ts";
import { type Hold, type Quiescer, quiescer } from "../edges/hosts/quiescer.ts";
import type { Layout } from "../recovery/layout.ts";
import { observeHold, type Thawed } from "../recovery/observe.ts";
import { type Observation, unobserved } from "../recovery/point.ts";
import type { Told } from "../recovery/told.ts";
import type { SnapshotContext } from "./snapshot-context.ts";

/** What was seen while the snapshots were taken. With a fault they are not worth what the environment asks for. */
export interface Seen {
  observed: Observation;
  layout?: Layout;
  fault?: string;
}

/**
 * Takes snapshots of a server's volumes while its data is quiet. When it can't be made so, nothing is taken unless crash
 * consistency will do. However this ends, the server has been told to let its data go on.
 */
export async function takeQuietly(
  context: SnapshotContext,
  {
    role,
    server,
    volumes,
    point,
    primary,
  }: { role: Role; server: LiveServer; volumes: Hold["volumes"]; point: string; primary?: string },
  take: () => Promise<void>,
): Promise<Seen> {
  const quiesce = quiesceOf(role);
  if (quiesce.kind === "none") return takeAnyhow(context, unobserved("its role has nothing frozen"), take);
  const shell = (timeoutMs: number) => context.shellOf(server, quiesce.via, timeoutMs);
  const mount = role.storage?.mount ?? "";
  const id = `${point} ${server.instanceId}`;
  const data = quiescer(shell, { id, quiesce, mount, volumes, ...(primary && { primary }) });
  // Where nobody can look, the freeze says why.
  const layout = await data.layout().catch(() => undefined);
  const known = layout === undefined ? {} : { layout };
  const frozen = await data.freeze().catch((error: Error) => failed(error.message));
  if (frozen.held === undefined) {
    const observed = observeHold(quiesce, frozen, await thaw(data));
    return { ...(await takeAnyhow(context, observed, take)), ...known };
  }
  let thawed: Thawed;
  try {
    await take();
  } finally {
    thawed = await thaw(data);
  }
  const observed = observeHold(quiesce, frozen, thawed);
  return { observed, ...known, ...faultOf(context, observed) };
}

async function takeAnyhow(
  context: SnapshotContext,
  observed: Observation,
  take: () => Promise<void>,
): Promise<Seen> {
  const fault = faultOf(context, observed);
  if (fault.fault === undefined) await take();
  return { observed, ...fault };
}

/** A freeze that nobody heard of may have come all the same: it is let go like one that did. */
async function thaw(data: Quiescer): Promise<Thawed> {
  try {
    return { kind: "told", told: await data.thaw() };
  } catch (error) {
    return { kind: "unknown", reason: (error as Error).message };
  }
}

function failed(reason: string): Told {
  return { ran: [], notes: [], lost: [], failed: reason };
}

/** A failed freeze is a failure, unless the environment or whoever calls says that crash-consistent will do. */
function faultOf(
  { topology, allowCrash }: SnapshotContext,
  { label, reasons }: Observation,
): Pick<Seen, "fault"> {
  if (label !== "crash" || allowCrash || topology.environment.consistency?.allowCrash) return {};
  const move = "mend that, or accept crash consistency with consistency.allowCrash or --allow-crash";
  return { fault: `${reasons.join("; ")}; ${move}` };
}
