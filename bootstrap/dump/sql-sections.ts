const mark = "-- Current Database: `";
/** Longer than a line that names a database. */
const longestLine = 1024;

/**
 * Lets through what concerns some databases of a dump of several, as mariadb-dump and mysqldump divide it: what comes
 * before the first of them, and each wanted one.
 */
export class SqlSections {
  readonly #wanted: ReadonlySet<string>;
  #isWanted = true;
  #kept = Buffer.alloc(0);

  constructor(wanted: readonly string[]) {
    this.#wanted = new Set(wanted);
  }

  write(chunk: Uint8Array): Buffer[] {
    return this.#pass(Buffer.concat([this.#kept, chunk]), false);
  }

  end(): Buffer[] {
    return this.#pass(this.#kept, true);
  }

  #pass(bytes: Buffer, isLast: boolean): Buffer[] {
    const passed: Buffer[] = [];
    const pass = (from: number, to: number) => {
      if (this.#isWanted && to > from) passed.push(bytes.subarray(from, to));
    };
    // A mark may be cut in two: the end waits for what comes after it.
    const until = isLast ? bytes.length : Math.max(0, bytes.length - longestLine);
    let from = 0;
    for (let at = bytes.indexOf(mark); at !== -1 && at < until; at = bytes.indexOf(mark, at + 1)) {
      if (at > 0 && bytes[at - 1] !== 0x0a) continue;
      const line = bytes.toString("utf8", at + mark.length, bytes.indexOf("\n", at));
      pass(from, at);
      from = at;
      this.#isWanted = this.#wanted.has(line.replace(/`$/, "").replaceAll("``", "`"));
    }
    const end = Math.max(from, until);
    pass(from, end);
    this.#kept = Buffer.from(bytes.subarray(end));
    return passed;
  }
}
