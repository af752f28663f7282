import { commandLine } from "../../../sandbox/processes.ts";
import { type GatewayRecord, readRecord, stateFiles } from "../../../sandbox/state-files.ts";
import { RekindleError } from "../../errors.ts";
import type { Clock } from "../clock.ts";

const gentleMs = 10_000;
const pollMs = 20;

/** Asks a gateway to end, and ends it when it does not; then makes sure that its emulator is gone too. */
export async function stopGateway(
  { stateDir, pid, id, endpoint }: { stateDir: string; pid: number; id: string; endpoint: string },
  ask: () => Promise<unknown>,
  clock: Clock,
): Promise<void> {
  const record = await readRecord(stateFiles(stateDir).record);
  try {
    await ask();
  } catch {
    // Not reachable: gone already, or it hangs. The process list tells below.
  }
  const gone = async () => !(await isGateway(pid, stateDir));
  if (!(await within(gentleMs, gone, clock))) {
    process.kill(pid, "SIGKILL");
    if (!(await within(gentleMs, gone, clock))) {
      throw new RekindleError(
        "tool-failed",
        `the sandbox at ${endpoint} (process ${pid}) does not end; end it with: kill -9 ${pid}`,
      );
    }
  }
  if (record?.id === id) await endOrphan(record, clock);
}

/** True when that process is a gateway of that folder, and no program that got a recycled process id. */
export async function isGateway(pid: number, stateDir: string): Promise<boolean> {
  return (await commandLine(pid))?.includes(`--state ${stateDir}`) === true;
}

/** Ends an emulator that outlived its gateway and its watchdog: only if its command line is the one that was recorded. */
export async function endOrphan({ motoPid, motoPort }: GatewayRecord, clock: Clock): Promise<void> {
  const listens = `-H 127.0.0.1 -p ${motoPort}`;
  const gone = async () => (await commandLine(motoPid))?.endsWith(listens) !== true;
  // Its watchdog may be at it this very moment.
  if (await within(500, gone, clock)) return;
  process.kill(motoPid, "SIGKILL");
  await within(gentleMs, gone, clock);
}

/** Looks until it is done; false when it was not by then. */
export async function within(
  limitMs: number,
  isDone: () => Promise<boolean>,
  clock: Clock,
): Promise<boolean> {
  const start = clock.monotonic();
  while (!(await isDone())) {
    if (clock.monotonic() - start > limitMs) return false;
    await clock.sleep(pollMs);
  }
  return true;
}
