import type { Rows } from "./dump.ts";

const newline = 0x0a;
const quoteMark = 0x27;
const backslash = 0x5c;
const open = 0x28;
const semicolon = 0x3b;
/** Longer than the longest beginning of a line that says anything here. */
const longestHead = 1024;

/**
 * Reads what mariadb-dump and mysqldump write while it passes: how many rows of which table it holds, and where the
 * binary log was. The rows are counted in the dump itself, so they are of the same moment, and no table is read twice.
 */
export class SqlStream {
  /** Database → its tables. A table without rows is there, with none. */
  readonly rows: Record<string, Rows> = {};
  /** As the dump says it; empty when it doesn't. */
  position = "";
  #database = "";
  #table = "";
  /** Within the body of a trigger or a routine, where statements are not the dump's own. */
  #inBody = false;
  #mode: "head" | "rest-of-line" | "values" | "quoted" | "escaped" = "head";
  #head: number[] = [];

  constructor(databases: readonly string[]) {
    for (const database of databases) this.rows[database] = {};
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#mode === "head") at = this.#readHead(chunk, at);
      else if (this.#mode === "rest-of-line") at = this.#skipLine(chunk, at);
      else at = this.#readValues(chunk, at);
    }
  }

  #readHead(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte === newline) {
        this.#see(text(this.#head), "line");
        this.#head = [];
        // A line that ends with VALUES has its rows below.
        if (this.#mode !== "head") return at + 1;
        continue;
      }
      this.#head.push(byte);
      if (byte === open && this.#see(text(this.#head), "values")) {
        this.#head = [];
        // The bracket itself opens the first row.
        return at;
      }
      if (this.#head.length >= longestHead) {
        this.#head = [];
        this.#mode = "rest-of-line";
        return at + 1;
      }
    }
    return chunk.length;
  }

  #skipLine(chunk: Uint8Array, from: number): number {
    const end = chunk.indexOf(newline, from);
    if (end === -1) return chunk.length;
    this.#mode = "head";
    return end + 1;
  }

  /** Counts the brackets that open outside of quotes, up to the statement's end. */
  #readValues(chunk: Uint8Array, from: number): number {
    let mode = this.#mode;
    let count = 0;
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (mode === "quoted") {
        if (byte === quoteMark) mode = "values";
        else if (byte === backslash) mode = "escaped";
      } else if (mode === "escaped") mode = "quoted";
      else if (byte === quoteMark) mode = "quoted";
      else if (byte === open) count++;
      else if (byte === semicolon) {
        mode = "rest-of-line";
        break;
      }
    }
    this.#mode = mode;
    const rows = this.rows[this.#database];
    if (rows !== undefined) rows[this.#table] = (rows[this.#table] ?? 0) + count;
    return at;
  }

  /** Takes note of a line, or of a line's beginning up to a bracket; tells whether rows follow. */
  #see(head: string, kind: "line" | "values"): boolean {
    const insert = /^INSERT INTO `((?:[^`]|``)+)` VALUES\s*\(?$/.exec(head);
    if (insert !== null && !this.#inBody) {
      this.#table = named(insert[1]!);
      this.#mode = "values";
      return true;
    }
    if (kind === "values") return false;
    const delimiter = /^DELIMITER (\S+)/.exec(head);
    if (delimiter !== null) this.#inBody = delimiter[1] !== ";";
    if (this.#inBody) return false;
    const use = /^USE `((?:[^`]|``)+)`;/.exec(head);
    if (use !== null) {
      this.#database = named(use[1]!);
      this.rows[this.#database] ??= {};
    }
    const data = /^-- Dumping data for table `((?:[^`]|``)+)`/.exec(head);
    if (data !== null && this.rows[this.#database] !== undefined)
      this.rows[this.#database]![named(data[1]!)] ??= 0;
    const log = /_LOG_FILE='([^']*)',.*_LOG_POS=(\d+)/.exec(head);
    if (log !== null && this.position === "") this.position = `${log[1]}:${log[2]}`;
    return false;
  }
}

function named(escaped: string): string {
  return escaped.replaceAll("``", "`");
}

function text(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString();
}
