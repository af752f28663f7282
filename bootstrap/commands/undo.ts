import { RekindleError } from "../errors.ts";

/** What a command made and must take away again if it fails. Runs in reverse, and once. */
export class Undo {
  readonly #steps: { what: string; undone: string; run: () => Promise<unknown> }[] = [];

  /** `undone` says what becomes of it, for the sentence that says that it was not. */
  push(what: string, run: () => Promise<unknown>, undone = "removed"): void {
    this.#steps.push({ what, undone, run });
  }

  /** Tries every step, even after one failed; tells what is left behind. */
  async run(): Promise<string[]> {
    const left: string[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.run();
      } catch (error) {
        left.push(`${step.what} was not ${step.undone}: ${(error as Error).message}`);
      }
    }
    return left;
  }
}

/** The error, which also tells what could not be removed. */
export function withLeftBehind(error: unknown, left: readonly string[]): unknown {
  if (left.length === 0) return error;
  const { kind, message, details } =
    error instanceof RekindleError
      ? error
      : { kind: "tool-failed" as const, message: String(error), details: [] };
  return new RekindleError(kind, message, { cause: error, details: [...details, ...left] });
}
