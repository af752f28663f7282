import { RekindleError } from "../errors.ts";
import type { Looked } from "../status/outcome.ts";

/** Looks at something, or keeps why that was not possible. A fault of Rekindle's own is neither, and is raised. */
export async function look<T>(work: () => Promise<T>): Promise<Looked<T>> {
  try {
    return { kind: "seen", value: await work() };
  } catch (error) {
    if (!(error instanceof RekindleError) && !isAwsError(error)) throw error;
    // What the SDK adds on further lines is for whoever writes programs.
    return { kind: "could-not-look", reason: (error as Error).message.split("\n")[0]! };
  }
}

/** What a look found, for a look that builds on it. */
export async function lookOn<A, B>(first: Looked<A>, next: (seen: A) => Promise<B>): Promise<Looked<B>> {
  return first.kind === "seen" ? await look(() => next(first.value)) : first;
}

/** An answer that the SDK can't read, such as a proxy's, is none of AWS's, but it is an answer. */
function isAwsError(error: unknown): boolean {
  return error instanceof Error && ("$metadata" in error || "$response" in error);
}
