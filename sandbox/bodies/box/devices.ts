import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { program } from "./programs.ts";

/**
 * Loop devices, freezing what is on them, and keeping each server to its own. All of it ends with the gateway, however
 * that ends; see devices.py and groups.py.
 */
export interface Devices {
  /** A device with the file behind it, for one server; gives its number. */
  attach(file: string, server: string): Promise<number>;
  /** Refused while a file system on it is mounted. */
  detach(device: number): Promise<void>;
  /** Lets go of a device whose machine has ended; what is frozen is thawed. */
  release(device: number): Promise<void>;
  /** Runs `act` while nothing is written to the file systems on some devices. */
  whileFrozen<T>(devices: readonly number[], act: () => Promise<T>): Promise<T>;
  /** The control group in which a server reaches no devices but its own. Rejects where this computer can't do that. */
  confine(server: string): Promise<string>;
  /** Removes the control group of a server that has ended. */
  free(server: string): Promise<void>;
  /** Resolves when it has ended, by `close` or by itself. */
  readonly gone: Promise<void>;
  close(): Promise<void>;
}

interface Reply {
  id: number;
  ok?: unknown;
  error?: string;
}

/** `run` tells those that are open at the same time apart, and is the same for one that takes a killed one's place. */
export async function openDevices(run: string): Promise<Devices> {
  const child = spawn("python3", ["-I", program("devices.py"), run], { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map<number, { resolve(reply: Reply): void }>();
  let ended: string | undefined;
  const gone = new Promise<void>((resolve) => {
    const end = (reason: string) => {
      ended ??= reason;
      for (const [id, { resolve: tell }] of waiting) tell({ id, error: reason });
      waiting.clear();
      resolve();
    };
    child.once("error", (error) => end(`python3 could not start: ${error.message}`));
    child.once("exit", (code, signal) => end(`the keeper of loop devices has ended (${signal ?? code})`));
  });
  child.stdin.on("error", () => undefined);
  createInterface({ input: child.stdout }).on("line", (line) => {
    const reply = JSON.parse(line) as Reply;
    waiting.get(reply.id)?.resolve(reply);
    waiting.delete(reply.id);
  });
  let count = 0;
  const ask = async <T>(act: string, parameters: object): Promise<T> => {
    if (ended !== undefined) throw new Error(ended);
    count += 1;
    const id = count;
    const replied = new Promise<Reply>((resolve) => waiting.set(id, { resolve }));
    child.stdin.write(`${JSON.stringify({ id, act, with: parameters })}\n`);
    const { ok, error } = await replied;
    if (error !== undefined) throw new Error(error);
    return ok as T;
  };
  await Promise.race([once(child, "spawn"), gone]);

  return {
    gone,
    attach: async (file, server) => (await ask<{ number: number }>("attach", { file, server })).number,
    detach: async (number) => void (await ask("detach", { number })),
    release: async (number) => void (await ask("release", { number })),
    confine: async (server) => (await ask<{ group: string }>("confine", { server })).group,
    free: async (server) => void (await ask("free", { server })),
    async whileFrozen(numbers, act) {
      for (let attempt = 1; ; attempt++) {
        const { frozen, already } = await ask<{ frozen: number[]; already: number[] }>("freeze", { numbers });
        const done = await act().then(
          (value) => ({ value }),
          (failure: unknown) => ({ failure }),
        );
        const { moved } = await ask<{ moved: number[] }>("thaw", { frozen, already });
        if ("failure" in done) throw done.failure;
        if (moved.length === 0) return done.value;
        // Whoever had frozen them before us did not wait: what was copied is of no one instant.
        if (attempt === 3) throw new Error("the volumes were thawed again and again while they were copied");
      }
    },
    async close() {
      child.stdin.end();
      await gone;
    },
  };
}
