import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** How a subprocess ended: three different things to an operator, so three kinds. */
export type Ending =
  | { kind: "exited"; code: number }
  | { kind: "killed"; signal: string }
  | { kind: "not-started"; reason: string };

/** A finished subprocess: how it ended and everything it wrote, as UTF-8. */
export interface Finished {
  ending: Ending;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  /** The whole environment of the child; the parent's own when left out. */
  env?: NodeJS.ProcessEnv;
  /** Text for the child's standard input; it gets none when left out. */
  input?: string;
  /** Instead: an input that says nothing and ends when this process does, and a process group of the child's own. */
  lifeline?: boolean;
  /** Called with each line of standard output as it comes. */
  onLine?: (line: string) => void;
  /** Ends the child (SIGTERM) after so many milliseconds. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Runs a program to its end. Never rejects: the ending tells. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const { stdout, ...finished } = await runForBytes(command, args, options);
  return { ...finished, stdout: stdout.toString() };
}

/** The same for a program whose standard output is no text. */
export function runForBytes(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Omit<Finished, "stdout"> & { stdout: Buffer }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [options.input === undefined && !options.lifeline ? "ignore" : "pipe", "pipe", "pipe"],
      detached: options.lifeline ?? false,
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    });
    const stdout: Buffer[] = [];
    const decoder = new StringDecoder("utf8");
    let stderr = "";
    let partial = "";
    const stop = () => child.kill("SIGTERM");
    options.signal?.addEventListener("abort", stop);
    const finish = (ending: Ending) => {
      options.signal?.removeEventListener("abort", stop);
      if (partial !== "") options.onLine?.(partial);
      partial = "";
      resolve({ ending, stdout: Buffer.concat(stdout), stderr });
    };
    child.stdout?.on("data", (bytes: Buffer) => {
      stdout.push(bytes);
      if (options.onLine === undefined) return;
      const lines = (partial + decoder.write(bytes)).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) options.onLine(line);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) => finish({ kind: "not-started", reason: error.message }));
    child.on("close", (code, signal) =>
      finish(code === null ? { kind: "killed", signal: signal ?? "unknown" } : { kind: "exited", code }),
    );
    if (options.input !== undefined) {
      // A child that exits before it read its input is told by its exit code, not by a broken pipe here.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(options.input);
    }
  });
}

const pauseBeforeForceMs = 2_000;

/**
 * The same for output that is too long to keep: `consume` reads it while it comes. A program that outlives its time is
 * killed. Never rejects: what `consume` raised is told beside the ending, which may well be its cause.
 */
export async function runThrough(
  command: string,
  args: readonly string[],
  consume: (output: Readable) => Promise<void>,
  options: Pick<RunOptions, "cwd" | "env" | "input" | "timeoutMs" | "signal"> = {},
): Promise<Omit<Finished, "stdout"> & { timedOut: boolean; failure: unknown }> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stderr = "";
  let timedOut = false;
  const timers: NodeJS.Timeout[] = [];
  const later = (ms: number, act: () => void) => void timers.push(setTimeout(act, ms));
  const stop = () => {
    child.kill("SIGTERM");
    later(pauseBeforeForceMs, () => child.kill("SIGKILL"));
  };
  const expire = () => {
    timedOut = true;
    stop();
  };
  if (options.timeoutMs !== undefined) later(options.timeoutMs, expire);
  options.signal?.addEventListener("abort", stop);
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const ended = new Promise<Ending>((resolve) => {
    child.on("error", (error) => resolve({ kind: "not-started", reason: error.message }));
    // A grandchild that holds the pipes, such as a jump host's ssh, does not keep us waiting.
    child.on("exit", () =>
      later(pauseBeforeForceMs, () => {
        child.stdout.destroy();
        child.stderr.destroy();
      }),
    );
    child.on("close", (code, signal) =>
      resolve(code === null ? { kind: "killed", signal: signal ?? "unknown" } : { kind: "exited", code }),
    );
  });
  let failure: unknown;
  const consumed = consume(child.stdout).catch((error: unknown) => {
    failure = error;
    child.stdout.destroy();
    stop();
  });
  const ending = await ended;
  await consumed;
  for (const timer of timers) clearTimeout(timer);
  options.signal?.removeEventListener("abort", stop);
  return { ending, stderr, timedOut, failure };
}

/** A program that is spoken with while it runs. */
export interface Started {
  stdin: Writable;
  stdout: Readable;
  /** The end of what it wrote to standard error so far. */
  stderr(): string;
  /** Never rejects. */
  ended: Promise<Ending>;
  stop(): void;
}

const keptOfStderr = 16_384;

/** Starts a program, and leaves to the caller what goes in and out. It ends by itself when this process does, if it reads. */
export function start(
  command: string,
  args: readonly string[],
  options: Pick<RunOptions, "cwd" | "env" | "signal" | "lifeline"> = {},
): Started {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: options.lifeline ?? false,
  });
  let stderr = "";
  let force: NodeJS.Timeout | undefined;
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-keptOfStderr);
  });
  // Who reads no more is told by its ending.
  child.stdin.on("error", () => undefined);
  const stop = () => {
    child.kill("SIGTERM");
    force ??= setTimeout(() => child.kill("SIGKILL"), pauseBeforeForceMs);
  };
  if (options.signal?.aborted) stop();
  options.signal?.addEventListener("abort", stop);
  const ended = new Promise<Ending>((resolve) => {
    child.on("error", (error) => resolve({ kind: "not-started", reason: error.message }));
    child.on("exit", (code, signal) => {
      const ending: Ending =
        code === null ? { kind: "killed", signal: signal ?? "unknown" } : { kind: "exited", code };
      if (child.stderr.closed) return resolve(ending);
      // Its last words may still be on their way; a grandchild that holds the pipe does not keep us waiting.
      const patience = setTimeout(() => resolve(ending), pauseBeforeForceMs);
      child.stderr.once("close", () => {
        clearTimeout(patience);
        resolve(ending);
      });
    });
  }).then((ending) => {
    clearTimeout(force);
    options.signal?.removeEventListener("abort", stop);
    return ending;
  });
  return { stdin: child.stdin, stdout: child.stdout, stderr: () => stderr, ended, stop };
}

/** True when the program ran to its end and exited 0. */
export function succeeded(finished: Finished): boolean {
  return finished.ending.kind === "exited" && finished.ending.code === 0;
}

/** One phrase for a message: "exited with 1", "was killed by SIGKILL", "could not start: ENOENT". */
export function describeEnding(ending: Ending): string {
  switch (ending.kind) {
    case "exited":
      return `exited with ${ending.code}`;
    case "killed":
      return `was killed by ${ending.signal}`;
    case "not-started":
      return `could not start: ${ending.reason}`;
  }
}
