import { isBusy } from "../edges/aws/access.ts";
import { type Patience, waitFor } from "../edges/wait.ts";

const limitSeconds = 60 * 60;
const longestPauseMs = 60_000;

/** Makes a call that AWS may put off, with ever longer pauses, for an hour; what else it answers is raised at once. */
export async function insist<T>(patience: Patience, what: string, call: () => Promise<T>): Promise<T> {
  const { clock } = patience;
  const start = clock.monotonic();
  const attempt = async () => {
    try {
      return { kind: "ready" as const, value: await call() };
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (clock.monotonic() - start < limitSeconds * 1000) return { kind: "waiting" as const };
      const reason = `AWS has put it off for ${limitSeconds / 60} minutes (${(error as Error).message}); lower copies.atOnce, or wait until less is under way`;
      return { kind: "failed" as const, reason };
    }
  };
  return waitFor(patience, what, Number.POSITIVE_INFINITY, attempt, longestPauseMs);
}
