/**
 * Every error that Rekindle raises on purpose: what failed, the value received, the next move.
 * Messages are lower case without a final period. `main.ts` prints them; the exit code is `exitCodes[kind]`.
 */

/** Documented exit codes. 1 is kept for what nobody foresaw, and for a failed verdict or check. */
export const exitCodes = {
  "failed-check": 1,
  "bad-input": 2,
  "no-recovery-point": 3,
  refused: 4,
  "missing-tool": 5,
  unreachable: 6,
  "tool-failed": 7,
} as const;

export type ErrorKind = keyof typeof exitCodes;

/** A place in a file: line and column count from 1. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/** One thing wrong with what the user wrote. */
export interface Fault {
  place: Place;
  /** What is wrong, with the value received. */
  message: string;
  /** What to do about it. */
  move: string;
}

export class RekindleError extends Error {
  readonly kind: ErrorKind;
  readonly details: readonly string[];

  constructor(
    kind: ErrorKind,
    message: string,
    options: { cause?: unknown; details?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RekindleError";
    this.kind = kind;
    this.details = options.details ?? [];
  }
}

export function badConfiguration(faults: readonly Fault[]): RekindleError {
  return new RekindleError(
    "bad-input",
    `the configuration has ${faults.length} fault${faults.length === 1 ? "" : "s"}`,
    {
      details: faults.map(formatFault),
    },
  );
}

/** `file:line:column: message; move`, the form that editors link. */
export function formatFault({ place, message, move }: Fault): string {
  return `${place.file}:${place.line}:${place.column}: ${message}; ${move}`;
}

export function unknownVersion(what: string, found: unknown, known: number): RekindleError {
  return new RekindleError(
    "bad-input",
    `${what} has version ${JSON.stringify(found)}, and this Rekindle reads version ${known}; use the Rekindle that wrote it`,
  );
}
