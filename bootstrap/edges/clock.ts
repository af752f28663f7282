/** The one place that reads time. Everything else takes it as an argument. */
export interface Clock {
  /** The moment, as a Date in UTC. */
  now(): Date;
  /** Milliseconds of a clock that never goes back; for durations only. */
  monotonic(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
