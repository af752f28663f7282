import type { Clock } from "../edges/clock.ts";
import type { CopiedPart } from "../recovery/copies.ts";
import { type CopyState, describeCopies } from "../recovery/copy-progress.ts";

const betweenLinesMs = 30_000;

/** Says every half minute how far the copies into one place are, as long as something is told of them. */
export class CopyProgress {
  readonly #place: string;
  readonly #clock: Clock;
  readonly #print: (line: string) => void;
  readonly #states = new Map<CopiedPart, CopyState>();
  readonly #start: number;
  #lastLine: number;

  constructor(
    place: string,
    clock: Clock,
    print: (line: string) => void,
    sizes: ReadonlyMap<CopiedPart, number>,
  ) {
    this.#place = place;
    this.#clock = clock;
    this.#print = print;
    for (const [part, sizeGiB] of sizes) this.#states.set(part, { sizeGiB, percent: 0 });
    this.#start = clock.monotonic();
    this.#lastLine = this.#start;
  }

  tell(part: CopiedPart, percent: number): void {
    this.#states.get(part)!.percent = percent;
    const now = this.#clock.monotonic();
    if (now - this.#lastLine < betweenLinesMs) return;
    this.#lastLine = now;
    this.#print(describeCopies(this.#place, [...this.#states.values()], (now - this.#start) / 1000));
  }
}
