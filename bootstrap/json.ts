import { RekindleError, unknownVersion } from "./errors.ts";

/** Writes a versioned value the way that every stored JSON file is written: indented, with a last newline. */
export function encodeJson(value: { version: number }): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Reads a value that `encodeJson` wrote. Another version is refused, and both are named. */
export function decodeJson<T extends { version: number }>(
  what: string,
  text: string,
  version: T["version"],
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RekindleError(
      "bad-input",
      `${what} is not JSON: ${(cause as Error).message}; restore an earlier version of it`,
      {
        cause,
      },
    );
  }
  const found = (value as { version?: unknown } | null)?.version;
  if (found !== version) throw unknownVersion(what, found, version);
  return value as T;
}
