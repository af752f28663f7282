import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import type { Started } from "../process.ts";
import { clientFailure, stopped } from "./place.ts";

/** One connection to a database that stays open, spoken with through its client program. */
export interface Session {
  /** Runs statements; each line of their answer is one row in JSON. */
  rows<T>(sql: string): Promise<T[]>;
  /** Ends the connection, and with it the transaction that is open. */
  close(): Promise<void>;
}

/** `echo` is the client's own way to print a word when all before it is done. */
export function openSession(
  what: string,
  program: Started,
  signal: AbortSignal,
  echo: (word: string) => string,
): Session {
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  return {
    async rows<T>(sql: string) {
      const word = `done-${randomBytes(8).toString("hex")}`;
      program.stdin.write(`${sql}\n${echo(word)}\n`);
      const rows: T[] = [];
      for (;;) {
        const { value, done } = await lines.next();
        if (done) {
          const ending = await program.ended;
          if (signal.aborted) throw stopped();
          throw clientFailure(what, program, ending);
        }
        if (value === word) return rows;
        if (value !== "") rows.push(JSON.parse(value) as T);
      }
    },
    async close() {
      program.stdin.end();
      await program.ended;
    },
  };
}
