import { HostFailure } from "../../collect/failure.ts";
import { RekindleError } from "../../errors.ts";
import type { Answered } from "./host-shell.ts";

/** Says of which server it is that something failed there, or that it could not be asked. */
export async function onServer<T>(server: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HostFailure)) throw error;
    throw error.kind === "failed"
      ? new RekindleError("tool-failed", `on server ${server}: ${error.message}`, { cause: error })
      : new RekindleError("unreachable", `server ${server} could not be asked: ${error.message}`, {
          cause: error,
        });
  }
}

/** What a script printed; for one that failed, the last that it said of why. */
export function printed(answer: Answered): string {
  const { code, stdout, stderr } = answer;
  if (code === 0) return stdout.trim();
  throw new HostFailure("failed", wordsOf(stderr).at(-1) ?? `a script ended there with ${code}`);
}

/** Lines, without the name that scripts of ours put before their own. */
export function wordsOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/^rekindle(-boot)?: /, "").trim())
    .filter((line) => line !== "" && !line.startsWith("the report could not be delivered"));
}
