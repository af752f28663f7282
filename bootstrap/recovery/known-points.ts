import { startOf } from "./point-index.ts";

/** The names of very many points in eight bytes each, for a name is its moment. Added as the index has them: newest first. */
export class KnownPoints {
  readonly #moments: number[] = [];

  add({ startedAt }: { startedAt: string }): void {
    if (startedAt !== "") this.#moments.push(Date.parse(startedAt));
  }

  has(id: string): boolean {
    const wanted = Date.parse(startOf(id) ?? "");
    let from = 0;
    let to = this.#moments.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#moments[middle]! > wanted) from = middle + 1;
      else to = middle;
    }
    return this.#moments[from] === wanted;
  }
}
