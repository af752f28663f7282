import { constants } from "node:os";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Finished } from "../../../bootstrap/edges/process.ts";

/** QEMU's guest agent, a program of the machine's own: runs what it is given as root. */
export interface Agent {
  /** Whether the machine's agent listens, as QEMU says when that changes. */
  listens(does: boolean): void;
  isListening(): boolean;
  /** Rejects when the machine has ended, or its agent does not listen for very long. */
  run(path: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Finished>;
}

/** How long a boot may take until the agent listens. */
const bootLimitMs = 600_000;
/** How long the agent may take for an answer. It never waits for the program that it runs. */
const answerLimitMs = 60_000;
const longestPauseMs = 400;

interface Answer {
  id?: number;
  return?: unknown;
  error?: { desc: string };
}

interface Status {
  exited: boolean;
  exitcode?: number;
  signal?: number;
  "out-data"?: string;
  "err-data"?: string;
}

/** What became of a program whose machine was reset under it. */
const lost: Finished = { ending: { kind: "killed", signal: "SIGKILL" }, stdout: "", stderr: "" };

export function openAgent(socket: Duplex, machine: string, ended: Promise<unknown>): Agent {
  let listening = false;
  /** Another one with each start of the machine: what was asked of an earlier one is never answered. */
  let generation = 0;
  let wake = () => {};
  let changed = new Promise<void>((resolve) => {
    wake = resolve;
  });
  let isOver = false;
  let count = 0;
  const asked = new Map<number, (answer: Answer) => void>();
  void ended.then(() => {
    isOver = true;
    wake();
  });
  const lines = createInterface({ input: socket });
  // A machine that ends leaves a broken pipe, which readline tells a second time.
  for (const source of [socket, lines]) source.on("error", () => undefined);
  lines.on("line", (line) => {
    const answer = JSON.parse(line) as Answer;
    asked.get(answer.id ?? 0)?.(answer);
  });

  const whenListening = async () => {
    const limit = AbortSignal.timeout(bootLimitMs);
    while (!listening) {
      if (isOver) throw new Error(`machine ${machine} does not run`);
      if (limit.aborted)
        throw new Error(
          `machine ${machine} has not booted within ${bootLimitMs / 1000} s; its console says more`,
        );
      await Promise.race([changed, sleep(1_000)]);
    }
    if (isOver) throw new Error(`machine ${machine} does not run`);
  };

  /** The answer; undefined when the machine has started anew meanwhile. */
  const ask = async <T>(command: string, parameters: object, since: number): Promise<T | undefined> => {
    if (isOver) throw new Error(`machine ${machine} does not run`);
    if (since !== generation) return undefined;
    count += 1;
    const id = count;
    const late = new AbortController();
    const answered = new Promise<Answer>((resolve) => asked.set(id, resolve));
    socket.write(`${JSON.stringify({ execute: command, arguments: parameters, id })}\n`);
    const answer = await Promise.race([
      answered,
      changed.then(() => undefined),
      sleep(answerLimitMs, "late" as const, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    asked.delete(id);
    if (isOver) throw new Error(`machine ${machine} does not run`);
    if (answer === undefined) return undefined;
    if (answer === "late")
      throw new Error(`the agent of machine ${machine} was silent for ${answerLimitMs / 1000} s`);
    if (answer.error) throw new Error(`the agent of machine ${machine} says: ${answer.error.desc}`);
    return answer.return as T;
  };

  return {
    isListening: () => listening,
    listens(does) {
      if (does === listening) return;
      listening = does;
      generation += 1;
      wake();
      changed = new Promise((resolve) => {
        wake = resolve;
      });
    },
    async run(path, args, env) {
      await whenListening();
      const since = generation;
      const started = await ask<{ pid: number }>(
        "guest-exec",
        {
          path,
          arg: args,
          env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
          "capture-output": true,
        },
        since,
      );
      if (started === undefined) return lost;
      for (let pause = 20; ; pause = Math.min(pause * 1.5, longestPauseMs)) {
        const status = await ask<Status>("guest-exec-status", { pid: started.pid }, since);
        if (status === undefined) return lost;
        if (status.exited) return finished(status);
        await sleep(pause);
      }
    },
  };
}

function finished(status: Status): Finished {
  const text = (data = "") => Buffer.from(data, "base64").toString();
  const signal = Object.entries(constants.signals).find(([, number]) => number === status.signal)?.[0];
  return {
    ending: signal ? { kind: "killed", signal } : { kind: "exited", code: status.exitcode ?? 0 },
    stdout: text(status["out-data"]),
    stderr: text(status["err-data"]),
  };
}
