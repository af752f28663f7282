import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import type { GatewayRequest, RequestPage } from "./protocol.ts";

/** What one gateway keeps in memory; older requests are only in the file. */
const keptInMemory = 200_000;

/** Every request in the order in which their answers were known, in memory and as JSON lines in a file. */
export class RequestLog {
  readonly #file: number;
  #requests: GatewayRequest[] = [];
  #next = 1;

  constructor(path: string) {
    this.#file = openSync(path, "a");
    ftruncateSync(this.#file);
  }

  append(request: Omit<GatewayRequest, "seq">): void {
    const logged = { seq: this.#next, ...request };
    this.#next += 1;
    this.#requests.push(logged);
    if (this.#requests.length > keptInMemory) this.#requests = this.#requests.slice(keptInMemory / 2);
    writeSync(this.#file, `${JSON.stringify(logged)}\n`);
  }

  /** Everything from number `since` on. */
  since(since: number): RequestPage {
    return { requests: this.#requests.filter(({ seq }) => seq >= since), next: this.#next };
  }

  /** Numbers go on, so that a reader's `next` stays valid. */
  clear(): void {
    this.#requests = [];
    ftruncateSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
