import { appendFileSync, closeSync, fstatSync, openSync, readSync, renameSync, writeFileSync } from "node:fs";
import { keptConsoleBytes } from "../console.ts";

/** As long as the file may get: a server that never stops to talk must not fill this computer's disk. */
const limitBytes = 16 * keptConsoleBytes;

/** A machine's console, of which at least as much stays as EC2 shows. Written at once: a gateway that is killed has it. */
export class ConsoleFile {
  readonly #path: string;
  #size: number;

  constructor(path: string) {
    this.#path = path;
    const file = openSync(path, "a");
    this.#size = fstatSync(file).size;
    closeSync(file);
  }

  append(bytes: Buffer): void {
    appendFileSync(this.#path, bytes);
    this.#size += bytes.length;
    if (this.#size > limitBytes) this.#forgetStart();
  }

  #forgetStart(): void {
    const file = openSync(this.#path, "r");
    const end = Buffer.alloc(keptConsoleBytes);
    this.#size = readSync(file, end, 0, keptConsoleBytes, this.#size - keptConsoleBytes);
    closeSync(file);
    // Whoever reads it meanwhile has the old one, whole.
    writeFileSync(`${this.#path}.new`, end.subarray(0, this.#size));
    renameSync(`${this.#path}.new`, this.#path);
  }
}
