import type { Clock } from "./clock.ts";

/**
 * Who a span of time belongs to: not to Rekindle itself. `boot` is waiting for servers, whatever is asked meanwhile.
 * The order decides where waits overlap.
 */
const kinds = ["terraform", "boot", "aws", "passing"] as const;
export type Waiting = (typeof kinds)[number];

/** Seconds of each kind. No moment counts twice, so they add up. */
export type Reading = Record<Waiting, number>;

/** Adds up how long the program waits for others. Waits may overlap. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #open: Reading = { terraform: 0, boot: 0, aws: 0, passing: 0 };
  readonly #totals: Reading = { terraform: 0, boot: 0, aws: 0, passing: 0 };
  #since = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async during<T>(kind: Waiting, work: () => Promise<T>): Promise<T> {
    this.#settle();
    this.#open[kind] += 1;
    try {
      return await work();
    } finally {
      this.#settle();
      this.#open[kind] -= 1;
    }
  }

  read(): Reading {
    this.#settle();
    return { ...this.#totals };
  }

  /** Gives the time since the last change to the first kind that was open. */
  #settle(): void {
    const now = this.#clock.monotonic();
    const kind = kinds.find((one) => this.#open[one] > 0);
    if (kind !== undefined) this.#totals[kind] += (now - this.#since) / 1000;
    this.#since = now;
  }
}
