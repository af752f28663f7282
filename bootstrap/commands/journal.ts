import type { Clock } from "../edges/clock.ts";
import type { Reading, Stopwatch, Waiting } from "../edges/stopwatch.ts";
import { RekindleError } from "../errors.ts";
import type { Step } from "../gameday/report.ts";

/** Told of each step as it starts and ends; shows progress, decides nothing. */
export interface Progress {
  started(name: string): void;
  ended(step: Step): void;
}

/** Times the steps of one game day. A step starts at the instant at which the one before it ended. */
export class Journal {
  readonly steps: Step[] = [];
  readonly #clock: Clock;
  readonly #stopwatch: Stopwatch;
  readonly #progress: Progress;
  #onTheClock = false;
  #since: { at: number; reading: Reading };

  constructor(clock: Clock, stopwatch: Stopwatch, progress: Progress) {
    this.#clock = clock;
    this.#stopwatch = stopwatch;
    this.#progress = progress;
    this.#since = { at: clock.monotonic(), reading: stopwatch.read() };
  }

  startClock(): void {
    this.#onTheClock = true;
  }

  stopClock(): void {
    this.#onTheClock = false;
  }

  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#progress.started(name);
    const startedAt = this.#clock.now().toISOString();
    try {
      const value = await work();
      this.#end(name, startedAt, undefined);
      return value;
    } catch (error) {
      this.#end(name, startedAt, error);
      throw error;
    }
  }

  #end(name: string, startedAt: string, error: unknown): void {
    const at = this.#clock.monotonic();
    const reading = this.#stopwatch.read();
    const before = this.#since;
    const spent = (kind: Waiting) => round(reading[kind] - before.reading[kind]);
    const seconds = round((at - before.at) / 1000);
    const waits = {
      terraform: spent("terraform"),
      aws: spent("aws"),
      boot: spent("boot"),
      // What part of it was data's is known when the servers have told.
      data: 0,
      passing: spent("passing"),
    };
    this.#since = { at, reading };
    const step: Step = {
      name,
      startedAt,
      seconds,
      spent: { ...waits, rekindle: round(Math.max(0, seconds - sum(Object.values(waits)))) },
      onTheClock: this.#onTheClock,
      outcome: error === undefined ? "passed" : "failed",
      ...(error === undefined ? {} : { error: explain(error) }),
    };
    this.steps.push(step);
    this.#progress.ended(step);
  }
}

/** The message, then the details that came with it. */
export function explain(error: unknown): string[] {
  if (error instanceof RekindleError) return [error.message, ...error.details];
  return [error instanceof Error ? error.message : String(error)];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function round(seconds: number): number {
  return Number(seconds.toFixed(3));
}
