import type { Volumes } from "../edges/aws/volumes.ts";
import { type Look, type Patience, waitFor } from "../edges/wait.ts";
import type { LiveVolume } from "../restore/live-volume.ts";

const limitSeconds = 5 * 60;
const longestPauseMs = 3_000;

/** Attaches and detaches, and waits until it is so. What is so already stays as it is. */
export interface VolumeMoves {
  attach(volume: string, instance: string, device: string): Promise<void>;
  detach(volume: string): Promise<void>;
  /** Until a volume that was just made can be attached. */
  available(volume: string): Promise<void>;
}

export function volumeMoves(volumes: Volumes, patience: Patience): VolumeMoves {
  const until = (id: string, what: string, isSo: (volume: LiveVolume) => boolean) =>
    waitFor(
      patience,
      `volume ${id} to be ${what}`,
      limitSeconds,
      async (): Promise<Look<undefined>> => {
        const volume = await volumes.find(id);
        if (volume === undefined) return { kind: "failed", reason: `volume ${id} is gone` };
        return isSo(volume) ? { kind: "ready", value: undefined } : { kind: "waiting" };
      },
      longestPauseMs,
    );
  const isFree = (volume: LiveVolume) => volume.state === "available";
  return {
    async attach(id, instance, device) {
      const attachment = (await volumes.find(id))?.attachment;
      if (attachment === undefined) {
        await until(id, "free", isFree);
        await volumes.attach(id, instance, device);
      }
      await until(
        id,
        `attached to ${instance} at ${device}`,
        ({ attachment }) =>
          attachment?.instance === instance &&
          attachment.device === device &&
          attachment.state === "attached",
      );
    },
    async detach(id) {
      const attachment = (await volumes.find(id))?.attachment;
      if (attachment !== undefined) await volumes.detach(id, attachment.instance);
      await until(id, "detached", isFree);
    },
    available: (id) => until(id, "made", isFree),
  };
}

/** Does something with each at the same time, and raises the first failure when all of them have ended. */
export async function allOf<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  const outcomes = await Promise.allSettled(items.map(act));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
