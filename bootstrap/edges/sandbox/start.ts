import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { lockHolder, takenExitCode } from "../../../sandbox/lock.ts";
import type { EngineChoice } from "../../../sandbox/protocol.ts";
import { readRecord, stateFiles } from "../../../sandbox/state-files.ts";
import { RekindleError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { describeEnding, type Ending } from "../process.ts";
import type { Sandbox } from "./client.ts";
import { findSandbox } from "./find.ts";

export interface StartSandbox {
  stateDir: string;
  /** A free one when left out. */
  port?: number;
  /** The emulator's command and first arguments. */
  moto: readonly string[];
  /** The account that the emulator plays; its own default when left out. */
  account?: string;
  /** What gives instances bodies; `none` when left out. */
  engine?: EngineChoice;
  /** Where an engine keeps what outlives a sandbox, such as its base image; the sandbox's own folder when left out. */
  engineCache?: string;
  /** `parent`: ends with this process, however that ends. `detached`: runs until it is stopped. */
  lifetime: "detached" | "parent";
  /** The bundled gateway, `dist/gateway.js`. */
  gatewayScript: string;
  clock: Clock;
}

/** An engine may first build its base image, from packages that come over the network. */
const startLimitMs = { none: 150_000, box: 900_000, qemu: 3_600_000 } satisfies Record<EngineChoice, number>;
const pollMs = 30;

/**
 * Starts the sandbox of a folder, or returns the one that runs there. Starts at the same time end with one gateway:
 * the gateway holds the folder's lock, and a start that lost the race waits for the winner.
 */
export async function startSandbox(options: StartSandbox): Promise<Sandbox> {
  const stateDir = resolve(options.stateDir);
  await mkdir(stateDir, { recursive: true });
  // Without a record another start may be at work: the lock decides, and this one waits for the winner below.
  const hasRecord = (await readRecord(stateFiles(stateDir).record)) !== undefined;
  const running = hasRecord ? await findSandbox(stateDir, options.clock) : undefined;
  if (running !== undefined) return running;
  const logStart = await sizeOf(stateFiles(stateDir).log);
  const limitMs = startLimitMs[options.engine ?? "none"];
  const start = options.clock.monotonic();
  let gateway = launch(options, stateDir);
  while (options.clock.monotonic() - start < limitMs) {
    const sandbox = await findReady(stateDir, options.clock);
    if (sandbox !== undefined) return sandbox;
    const ending = gateway.ending();
    const lostRace = ending?.kind === "exited" && ending.code === takenExitCode;
    if (ending !== undefined && !lostRace) throw await didNotStart(stateDir, ending, logStart);
    // The winner may have failed meanwhile: then it is this one's turn.
    if (lostRace && (await lockHolder(stateFiles(stateDir).lock, stateDir)).kind !== "live") {
      gateway = launch(options, stateDir);
    }
    await options.clock.sleep(pollMs);
  }
  gateway.end();
  throw new RekindleError("tool-failed", `the sandbox was not ready within ${limitMs / 1000} s`, {
    details: await lastWords(stateDir, logStart),
  });
}

/** A gateway that does not answer yet is not ready; whether it hangs is for the limit to say. */
async function findReady(stateDir: string, clock: Clock): Promise<Sandbox | undefined> {
  try {
    return await findSandbox(stateDir, clock);
  } catch (error) {
    if (error instanceof RekindleError && error.kind === "unreachable") return undefined;
    throw error;
  }
}

function launch(options: StartSandbox, stateDir: string): { ending(): Ending | undefined; end(): void } {
  const { moto, port, account, engine, engineCache, lifetime, gatewayScript } = options;
  const withParent = lifetime === "parent";
  const log = openSync(stateFiles(stateDir).log, "a");
  const words = [
    ...[gatewayScript, "--state", stateDir, "--moto", JSON.stringify(moto)],
    ...(port === undefined ? [] : ["--port", String(port)]),
    ...(account === undefined ? [] : ["--account", account]),
    ...(engine === undefined ? [] : ["--engine", engine]),
    ...(engineCache === undefined ? [] : ["--engine-cache", engineCache]),
    ...(withParent ? ["--parent-pipe"] : []),
  ];
  const child = spawn(process.execPath, words, {
    // A session of its own: an interrupt at the terminal must leave it to this process to tear down first.
    detached: true,
    stdio: [withParent ? "pipe" : "ignore", log, log],
  });
  closeSync(log);
  child.unref();
  // The pipe is open for as long as this process lives, but must not keep it alive.
  (child.stdin as { unref?(): void } | null)?.unref?.();
  child.stdin?.on("error", () => undefined);
  return { ending: watch(child), end: () => child.kill("SIGTERM") };
}

function watch(child: ChildProcess): () => Ending | undefined {
  let ending: Ending | undefined;
  child.on("error", (error) => {
    ending = { kind: "not-started", reason: error.message };
  });
  child.on("exit", (code, signal) => {
    ending = code === null ? { kind: "killed", signal: signal ?? "unknown" } : { kind: "exited", code };
  });
  return () => ending;
}

async function didNotStart(stateDir: string, ending: Ending, logStart: number): Promise<RekindleError> {
  return new RekindleError(
    "tool-failed",
    `the sandbox did not start: its gateway ${describeEnding(ending)}`,
    {
      details: await lastWords(stateDir, logStart),
    },
  );
}

/** What the gateway said since this start, and the end of what the emulator said. */
async function lastWords(stateDir: string, logStart: number): Promise<string[]> {
  const files = stateFiles(stateDir);
  const gateway = (await textOf(files.log)).subarray(logStart).toString();
  const emulator = gateway.includes("emulator") ? (await textOf(files.motoLog)).toString() : "";
  return [...lines(gateway).slice(-10), ...lines(emulator).slice(-10)];
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

async function textOf(path: string): Promise<Buffer> {
  return await readFile(path).catch(() => Buffer.alloc(0));
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => ({ size: 0 }))).size;
}
