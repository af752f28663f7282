import type { Readable } from "node:stream";
import { HostFailure, recognise } from "../../collect/failure.ts";
import type { Selection } from "../../collect/globs.ts";
import { describeEnding, runThrough } from "../process.ts";

/** Where a host's configuration comes from. */
export interface Source {
  /** The host's name, in reports and in collected.yaml. */
  host: string;
  /**
   * Lets `consume` read what `gather.sh` writes on the host. Raises a HostFailure that says why it could not be had;
   * whoever reads checks that it is whole. It may be called again, for a part of the files.
   */
  gather(selected: Selection, consume: (tar: Readable) => Promise<void>): Promise<void>;
  /** False for what was gathered long ago: asking it again gives the same. */
  isLive: boolean;
}

export interface Patience {
  timeoutMs: number;
  signal: AbortSignal;
}

/** Runs the gathering shell, near or far, and says in an operator's words why it failed. */
export async function gatherBy(
  command: string,
  args: readonly string[],
  input: string,
  { timeoutMs, signal }: Patience,
  consume: (tar: Readable) => Promise<void>,
): Promise<void> {
  const options = { input, timeoutMs, signal };
  const { ending, stderr, timedOut, failure } = await runThrough(command, args, consume, options);
  if (signal.aborted) throw new HostFailure("failed", "stopped before it was done");
  if (timedOut) throw tookTooLong(timeoutMs);
  if (isOurs(failure)) throw failure;
  if (ending.kind !== "exited" || ending.code !== 0)
    throw recognise(stderr, `${command} ${describeEnding(ending)}`);
  if (failure !== undefined) throw failure;
}

export function tookTooLong(timeoutMs: number): HostFailure {
  return new HostFailure(
    "timeout",
    `it took longer than ${timeoutMs / 1000} s; look what holds it up there, or give it more time with --timeout`,
  );
}

/** What is wrong on this machine: it then is why the host's output was no longer read. */
function isOurs(failure: unknown): boolean {
  return failure instanceof HostFailure ? failure.kind === "disk-full" : hasCode(failure, "ENOSPC", "EDQUOT");
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? "");
}
