import { once } from "node:events";
import type { DumpedDatabase, DumpPart, Rows } from "../../dump/dump.ts";
import type { ServerLook } from "../../dump/restore-plan.ts";
import type { Started } from "../process.ts";
import { demandSuccess } from "./place.ts";

/** A database server that dumps are restored into. */
export interface RestoreTarget {
  where: string;
  look(): Promise<ServerLook>;
  /** Runs the SQL that makes roles. */
  loadGlobals(sql: string): Promise<void>;
  /**
   * Makes room for databases, and clears away what a restore of them has left that was killed. Refuses while another
   * restore of one of them is at it.
   */
  begin(databases: readonly DumpedDatabase[]): Promise<Restoring>;
}

/** A restore that is at it. Ends with `finish` or `discard`. */
export interface Restoring {
  /** What is in the way and could not be kept aside here: to be dumped first, or it is lost. */
  givesWay: string[];
  load(part: DumpPart, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  rows(database: string): Promise<Rows>;
  /** Gives what was restored its place; tells where the databases are kept that were there before. */
  finish(): Promise<{ database: string; keptAs: string }[]>;
  /** Removes what was restored. What it replaces here and now is untouched. */
  discard(): Promise<void>;
}

/**
 * Feeds a program, and waits for its end. A program that needs no more bytes and succeeds leaves them unread; they are
 * read all the same, since whoever gives them checks them.
 */
export async function feed(
  what: string,
  program: Started,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const { stdin, stdout, ended } = program;
  stdout.resume();
  try {
    for await (const chunk of bytes) {
      if (stdin.destroyed || stdin.write(chunk)) continue;
      if (Array.isArray(await Promise.race([once(stdin, "drain"), ended]))) continue;
      // It has ended in the middle: raises unless it ended well.
      await demandSuccess(what, program, signal);
    }
  } catch (error) {
    program.stop();
    await ended;
    throw error;
  }
  stdin.end();
  await demandSuccess(what, program, signal);
}
