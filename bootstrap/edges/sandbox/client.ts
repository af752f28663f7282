import type {
  BuilderOutcome,
  Fault,
  FaultRule,
  ListenerStatus,
  LossMode,
  RequestPage,
  SandboxStatus,
} from "../../../sandbox/protocol.ts";
import { RekindleError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { stopGateway } from "./stop.ts";

/** A running gateway's whereabouts. */
export interface SandboxHandle {
  endpoint: string;
  stateDir: string;
  pid: number;
  id: string;
}

/** A running gateway, spoken to over its control API. Every method raises `unreachable` when it is gone. */
export interface Sandbox extends Readonly<SandboxHandle> {
  status(): Promise<SandboxStatus>;
  /** From now on the region answers nothing. Losing a lost region changes how it fails. */
  loseRegion(region: string, mode: LossMode): Promise<void>;
  /** Requests that still waited there are reset. */
  restoreRegion(region: string): Promise<void>;
  /** Returns the new fault's id. */
  addFault(rule: Omit<FaultRule, "share"> & { share?: number }): Promise<string>;
  faults(): Promise<Fault[]>;
  removeFault(id: string): Promise<void>;
  clearFaults(): Promise<void>;
  /** Requests with that number and later ones; `next` is where to go on. */
  requestsSince(seq: number): Promise<RequestPage>;
  setBuilders(outcome: BuilderOutcome): Promise<void>;
  /** What the load balancers of a sandbox with an engine have open on this machine. */
  listeners(): Promise<ListenerStatus[]>;
  /** Copies a snapshot's data into a folder of this computer, which is the caller's to remove. */
  saveSnapshot(region: string, snapshot: string): Promise<string>;
  /** Forgets everything that was made, and all faults, lost regions and logged requests. */
  reset(): Promise<void>;
  /** Resolves when gateway and emulator are gone. Safe to call again. */
  stop(): Promise<void>;
}

export function connectSandbox(handle: SandboxHandle, clock: Clock): Sandbox {
  const ask = <T>(method: string, path: string, body?: unknown) =>
    askGateway<T>(handle.endpoint, method, path, body);
  const regionPath = (region: string) => `regions/${encodeURIComponent(region)}`;
  return {
    ...handle,
    status: () => ask("GET", "status"),
    loseRegion: async (region, mode) => void (await ask("PUT", regionPath(region), { state: "lost", mode })),
    restoreRegion: async (region) => void (await ask("PUT", regionPath(region), { state: "up" })),
    addFault: async (rule) => (await ask<Fault>("POST", "faults", rule)).id,
    faults: async () => (await ask<{ faults: Fault[] }>("GET", "faults")).faults,
    removeFault: async (id) => void (await ask("DELETE", `faults/${encodeURIComponent(id)}`)),
    clearFaults: async () => void (await ask("DELETE", "faults")),
    requestsSince: (seq) => ask("GET", `requests?since=${seq}`),
    setBuilders: async (outcome) => void (await ask("PUT", "builders", { outcome })),
    listeners: async () => (await ask<{ listeners: ListenerStatus[] }>("GET", "listeners")).listeners,
    saveSnapshot: async (region, snapshot) =>
      (
        await askGateway<{ folder: string }>(
          handle.endpoint,
          "POST",
          "disks",
          { region, snapshot },
          copyLimitMs,
        )
      ).folder,
    reset: async () => void (await askGateway(handle.endpoint, "POST", "reset", undefined, resetLimitMs)),
    stop: () => stopGateway(handle, () => ask("POST", "stop"), clock),
  };
}

const answerLimitMs = 15_000;
/** Data takes its time. */
const copyLimitMs = 600_000;
/** A reset first waits for what is under way, such as servers that start. */
const resetLimitMs = 120_000;

/** One call of the control API. The gateway answers at once or not at all, where a limit says nothing else. */
export async function askGateway<T>(
  endpoint: string,
  method: string,
  path: string,
  body?: unknown,
  limitMs = answerLimitMs,
): Promise<T> {
  const { status, text } = await exchange(endpoint, method, path, body, limitMs);
  if (status < 400) return JSON.parse(text) as T;
  throw new RekindleError(
    status < 500 ? "bad-input" : "unreachable",
    `the sandbox answered: ${reason(text)}`,
  );
}

async function exchange(endpoint: string, method: string, path: string, body: unknown, limitMs: number) {
  try {
    const response = await fetch(`${endpoint}/_rekindle/${path}`, {
      method,
      signal: AbortSignal.timeout(limitMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    const why = cause instanceof DOMException ? "no answer" : reasonOfFetch(cause as Error);
    throw new RekindleError(
      "unreachable",
      `the sandbox at ${endpoint} cannot be reached (${why}); start it again with: rekindle sandbox start`,
      { cause },
    );
  }
}

/** fetch hides why behind "fetch failed". */
function reasonOfFetch({ message, cause }: Error): string {
  return (cause as { code?: string } | undefined)?.code ?? message;
}

function reason(text: string): string {
  try {
    return (JSON.parse(text) as { error: string }).error;
  } catch {
    return text;
  }
}
