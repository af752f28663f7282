import type { Clock } from "./clock.ts";

/** Who a span of time belongs to: not to Rekindle itself. */
export type Waiting = "terraform" | "aws" | "passing";

/** Seconds in which at least one wait of a kind was open; `any` is their union, so it never counts twice. */
export type Reading = Record<Waiting | "any", number>;

/** Adds up how long the program waits for others. Waits may overlap. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #kinds = { terraform: newSpan(), aws: newSpan(), passing: newSpan(), any: newSpan() };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async during<T>(kind: Waiting, work: () => Promise<T>): Promise<T> {
    this.#open(kind);
    this.#open("any");
    try {
      return await work();
    } finally {
      this.#close(kind);
      this.#close("any");
    }
  }

  read(): Reading {
    return {
      terraform: this.#seconds("terraform"),
      aws: this.#seconds("aws"),
      passing: this.#seconds("passing"),
      any: this.#seconds("any"),
    };
  }

  #open(kind: keyof Reading): void {
    const span = this.#kinds[kind];
    if (span.depth++ === 0) span.since = this.#clock.monotonic();
  }

  #close(kind: keyof Reading): void {
    const span = this.#kinds[kind];
    if (--span.depth === 0) span.total += this.#clock.monotonic() - span.since;
  }

  #seconds(kind: keyof Reading): number {
    const span = this.#kinds[kind];
    return (span.total + (span.depth > 0 ? this.#clock.monotonic() - span.since : 0)) / 1000;
  }
}

function newSpan(): { depth: number; since: number; total: number } {
  return { depth: 0, since: 0, total: 0 };
}
