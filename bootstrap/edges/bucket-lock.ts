import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { RekindleError } from "../errors.ts";
import { decodeJson, encodeJson } from "../json.ts";
import type { ObjectStore } from "./aws/objects.ts";
import type { Clock } from "./clock.ts";

/** Who works on what: `locks/<name>.json`. Its age is what S3 says, so that nobody's clock counts. */
interface Lock {
  version: 1;
  state: "held" | "free";
  /** For people. */
  holder: string;
  token: string;
  /** Counts up, so that no renewed lock has the etag of an older one. */
  renewal: number;
}

export interface LockOptions {
  /** What is locked: `snapshot`, `prune`, … */
  name: string;
  /** How long to wait for another run before leaving. */
  waitMs: number;
  clock: Clock;
  /** The user asked to stop. */
  signal: AbortSignal;
  print(line: string): void;
}

/** A lock that was not renewed for so long is nobody's: its holder was killed, or is cut off. */
const leaseMs = 90_000;
const renewMs = 20_000;
const pauseMs = 500;

/**
 * Lets one run at a time do something to an environment, whichever machine it is on; another one waits, or leaves.
 * `work`'s signal ends it when the user asks for that, and when the lock is lost. A killed run's lock ends by itself.
 */
export async function underLock<T>(
  store: ObjectStore,
  options: LockOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const key = `locks/${options.name}.json`;
  const lock: Lock = {
    version: 1,
    state: "held",
    holder: `process ${process.pid} on ${hostname()}`,
    token: randomUUID(),
    renewal: 0,
  };
  await take(store, key, lock, options);
  const lost = new AbortController();
  let isOver = false;
  const renewing = keepRenewing(store, key, lock, options.clock, () => isOver).catch((error: unknown) =>
    lost.abort(error),
  );
  try {
    return await work(AbortSignal.any([options.signal, lost.signal]));
  } finally {
    isOver = true;
    await renewing;
    // One that can't be given back ends by itself.
    await write(store, key, { ...lock, state: "free" }).catch(() => undefined);
  }
}

async function take(store: ObjectStore, key: string, lock: Lock, options: LockOptions): Promise<void> {
  const { clock, signal, waitMs, print } = options;
  const since = clock.monotonic();
  for (let told = false; ; ) {
    const found = await read(store, key);
    if (found === undefined || found.isFree) {
      if (
        (await store.swap(key, encode(lock), found?.etag)) === "swapped" ||
        (await isOurs(store, key, lock))
      )
        return;
      continue;
    }
    if (clock.monotonic() - since >= waitMs || signal.aborted) throw taken(options.name, found, waitMs);
    if (!told) print(`waiting for another rekindle ${options.name} (${describe(found)})`);
    told = true;
    await clock.sleep(pauseMs);
  }
}

/** Raises when the lock is somebody else's, or could not be renewed for so long that it may be. */
async function keepRenewing(
  store: ObjectStore,
  key: string,
  lock: Lock,
  clock: Clock,
  isOver: () => boolean,
): Promise<void> {
  let renewed = clock.monotonic();
  for (let tried = renewed; !isOver(); ) {
    await clock.sleep(pauseMs);
    if (isOver() || clock.monotonic() - tried < renewMs) continue;
    tried = clock.monotonic();
    try {
      lock.renewal += 1;
      if (!(await write(store, key, lock))) throw lostLock(key);
      renewed = tried;
    } catch (error) {
      if (error instanceof RekindleError && error.kind === "refused") throw error;
      if (clock.monotonic() - renewed > leaseMs - renewMs) throw lostLock(key, error);
    }
  }
}

/** False when the lock is not ours any more. */
async function write(store: ObjectStore, key: string, lock: Lock): Promise<boolean> {
  const found = await read(store, key);
  if (found?.lock.token !== lock.token) return false;
  return (await store.swap(key, encode(lock), found.etag)) === "swapped" || (await isOurs(store, key, lock));
}

/** A write that landed and whose answer was lost reads as one that another run was faster than. */
async function isOurs(store: ObjectStore, key: string, { token, renewal }: Lock): Promise<boolean> {
  const found = await read(store, key);
  return found?.lock.token === token && found.lock.renewal === renewal;
}

async function read(store: ObjectStore, key: string) {
  const object = await store.get(key);
  if (object === undefined) return undefined;
  const lock = decodeJson<Lock>(`s3://${store.bucket}/${key}`, object.body.toString(), 1);
  const age = (await store.now()).getTime() - Date.parse(object.writtenAt);
  return { lock, etag: object.etag, age, isFree: lock.state === "free" || age > leaseMs };
}

function encode(lock: Lock): Buffer {
  return Buffer.from(encodeJson(lock));
}

interface Held {
  lock: Lock;
  /** Since it was last renewed. */
  age: number;
}

function taken(name: string, held: Held, waitMs: number): RekindleError {
  const next = waitMs === 0 ? "leave it to that one, or wait for it with --wait" : "look what holds it up";
  return new RekindleError("refused", `another rekindle ${name} is running (${describe(held)}); ${next}`);
}

/** Nobody can tell a run that was killed from one that has not renewed its lock yet. */
function describe({ lock, age }: Held): string {
  const left = Math.ceil((leaseMs - age) / 1000);
  return `${lock.holder}; if that was killed, its lock ends in ${Math.max(1, left)} s`;
}

function lostLock(key: string, cause?: unknown): RekindleError {
  return new RekindleError(
    "refused",
    `${key} could not be kept: another run may have taken it; run again`,
    cause === undefined ? {} : { cause },
  );
}
