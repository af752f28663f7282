import type { DumpedDatabase, Stage } from "../../dump/dump.ts";
import type { ByteStream } from "../aws/streams.ts";

/** One part of a dump that waits to be read. */
export interface PartSource {
  /** Of the part's key, after the dump's id. */
  names: string[];
  stage: Stage;
  database?: string;
  /** A guess. */
  expectedBytes: number;
  open(): Promise<ByteStream>;
}

/** A moment of one or several databases that is held until everything of it was read. */
export interface Taking {
  parts: PartSource[];
  /**
   * What was held, with the rows of each table. Called when the reading of the parts begins; `read` ends when all of
   * them have been read.
   */
  observe(read: Promise<unknown>): Promise<DumpedDatabase[]>;
  close(): Promise<void>;
}

/** A database server that dumps are taken of. */
export interface DumpSource {
  where: string;
  version(): Promise<string>;
  /** Every database that users made. */
  databases(): Promise<string[]>;
  /** Databases that can be read from one moment, together: one each in PostgreSQL. */
  together(databases: readonly string[]): string[][];
  take(databases: readonly string[]): Promise<Taking>;
  /** Roles and their memberships; nothing where they are no part of a dump. */
  globals: PartSource | undefined;
}
