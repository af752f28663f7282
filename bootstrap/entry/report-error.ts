import { exitCodes, RekindleError } from "../errors.ts";

/** The one place that turns an error into words and an exit code. */
export function report(error: unknown): number {
  if (error instanceof RekindleError) {
    console.error(`rekindle: ${error.message}`);
    for (const line of error.details) console.error(`  ${line}`);
    return exitCodes[error.kind];
  }
  if (isAwsError(error)) {
    const move = isOverloaded(error)
      ? "it was tried again in vain; run the command again in a while"
      : "correct what it names, then run again";
    console.error(`rekindle: AWS refused a call: ${error.name}: ${error.message}; ${move}`);
    return exitCodes["tool-failed"];
  }
  if (isOfThisMachine(error)) {
    console.error(`rekindle: ${error.message}; make room, or give it the right, then run again`);
    return exitCodes["tool-failed"];
  }
  console.error(error);
  console.error("rekindle: this is a fault of Rekindle's own; please report it with the lines above");
  return 1;
}

function isAwsError(error: unknown): error is Error {
  return error instanceof Error && "$metadata" in error;
}

/** A full disk, or a folder of someone else's: no fault of Rekindle's own. */
function isOfThisMachine(error: unknown): error is Error {
  const codes = ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM"];
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? "");
}

/** A throttle or a fault of AWS's own: nothing of the user's to correct. */
function isOverloaded(error: Error): boolean {
  const { httpStatusCode = 0 } = (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
  return httpStatusCode === 429 || httpStatusCode >= 500 || /throttl/i.test(error.name);
}
