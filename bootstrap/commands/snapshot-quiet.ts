import { quiesceOf } from "../config/quiesce.ts";
import type { Role } from "../config/schema.ts";
import type { LiveServer } from "../edges/aws/snapshots.ts";
import { type Hold, type Quiescer, quiescer } from "../edges/hosts/quiescer.ts";
import type { Layout } from "../recovery/layout.ts";
import { observeHold, type Thawed } from "../recovery/observe.ts";
import { type Observation, unobserved } from "../recovery/point.ts";
import type { Told } from "../recovery/told.ts";
import type { SnapshotContext } from "./snapshot-context.ts";

export interface TakenQuietly<T> {
  taken: T;
  observed: Observation;
  layout?: Layout;
}

/**
 * Takes snapshots of a server's volumes while its data is quiet. Raises when it could not be made so, or did not stay
 * so, unless crash consistency will do. However this ends, the server has been told to let its data go on.
 */
export async function takeQuietly<T>(
  context: SnapshotContext,
  {
    role,
    server,
    volumes,
    point,
  }: { role: Role; server: LiveServer; volumes: Hold["volumes"]; point: string },
  take: () => Promise<T>,
): Promise<TakenQuietly<T>> {
  const quiesce = quiesceOf(role);
  if (quiesce.kind === "none") {
    const observed = unobserved("its role has nothing frozen");
    demandAllowed(context, observed);
    return { taken: await take(), observed };
  }
  const shell = (timeoutMs: number) => context.shellOf(server, quiesce.via, timeoutMs);
  const mount = role.storage?.mount ?? "";
  const data = quiescer(shell, { id: `${point} ${server.instanceId}`, quiesce, mount, volumes });
  // Where nobody can look, the freeze says why.
  const layout = await data.layout().catch(() => undefined);
  const frozen = await data.freeze().catch((error: Error) => failed(error.message));
  if (frozen.held === undefined) {
    const observed = observeHold(quiesce, frozen, await thaw(data));
    demandAllowed(context, observed);
    return { taken: await take(), observed, ...(layout && { layout }) };
  }
  let taken: T;
  let thawed: Thawed;
  try {
    taken = await take();
  } finally {
    thawed = await thaw(data);
  }
  const observed = observeHold(quiesce, frozen, thawed);
  demandAllowed(context, observed);
  return { taken, observed, ...(layout && { layout }) };
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
function demandAllowed({ topology, allowCrash }: SnapshotContext, { label, reasons }: Observation): void {
  if (label !== "crash" || allowCrash !== undefined || topology.environment.consistency?.allowCrash) return;
  throw new Error(
    `${reasons.join("; ")}; mend that, or accept crash consistency with consistency.allowCrash or --allow-crash`,
  );
}
