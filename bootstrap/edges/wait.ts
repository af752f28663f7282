import { RekindleError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** What one look at something that takes time can find. */
export type Look<T> = { kind: "ready"; value: T } | { kind: "waiting" } | { kind: "failed"; reason: string };

export interface Patience {
  clock: Clock;
  stopwatch: Stopwatch;
  /** Ends every wait: the user asked to stop. */
  signal: AbortSignal;
}

const firstPauseMs = 250;

/**
 * Looks until it is ready, at once and then ever less often: at most `longestPauseMs` late. Raises when it failed, and
 * after the limit.
 */
export async function waitFor<T>(
  patience: Patience,
  what: string,
  limitSeconds: number,
  look: () => Promise<Look<T>>,
  longestPauseMs = 15_000,
): Promise<T> {
  const { clock, stopwatch, signal } = patience;
  const start = clock.monotonic();
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    if (signal.aborted) throw new RekindleError("tool-failed", `stopped while waiting for ${what}`);
    const found = await look();
    if (found.kind === "ready") return found.value;
    if (found.kind === "failed") throw new RekindleError("tool-failed", `${what} failed: ${found.reason}`);
    if (clock.monotonic() - start > limitSeconds * 1000) {
      throw new RekindleError(
        "tool-failed",
        `${what} took longer than ${limitSeconds} s; look at it in AWS's console, then run again`,
      );
    }
    await stopwatch.during("aws", () => clock.sleep(pause));
  }
}
