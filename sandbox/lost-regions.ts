import type { LossMode } from "./protocol.ts";

/** Only the form is checked: new regions appear, and Rekindle keeps no list of them. */
export function isRegionName(text: string): boolean {
  return /^[a-z]{2,3}(-[a-z]+)+-\d+$/.test(text);
}

/** The regions that answer nothing, and the requests that wait there in vain. */
export class LostRegions {
  readonly #modes = new Map<string, LossMode>();
  readonly #held = new Map<string, Set<() => void>>();

  /** The first of these regions that is lost. */
  firstOf(regions: readonly string[]): { region: string; mode: LossMode } | undefined {
    for (const region of regions) {
      const mode = this.#modes.get(region);
      if (mode !== undefined) return { region, mode };
    }
    return undefined;
  }

  lose(region: string, mode: LossMode): void {
    this.#modes.set(region, mode);
    if (mode === "refused") this.#release(region);
  }

  /** Requests that were held are reset, not carried out: nothing sent during an outage takes effect after it. */
  restore(region: string): void {
    this.#modes.delete(region);
    this.#release(region);
  }

  restoreAll(): void {
    for (const { region } of this.list()) this.restore(region);
  }

  /** Keeps a request unanswered; `reset` is called when its region is restored. Returns how to forget it. */
  hold(region: string, reset: () => void): () => void {
    const held = this.#held.get(region) ?? new Set();
    this.#held.set(region, held.add(reset));
    return () => held.delete(reset);
  }

  list(): { region: string; mode: LossMode }[] {
    return [...this.#modes].map(([region, mode]) => ({ region, mode }));
  }

  #release(region: string): void {
    const held = this.#held.get(region) ?? [];
    this.#held.delete(region);
    for (const reset of held) reset();
  }
}
