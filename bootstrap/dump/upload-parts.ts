/** What S3 allows of a multipart upload. */
export const mostParts = 10_000;
const MiB = 2 ** 20;
const smallest = 8 * MiB;
const largest = 5 * 1024 * MiB;
/** Up to here parts are alike; from here on, they double every `step`. */
const even = 8_000;
const step = 200;

/**
 * How many bytes part `number`, counted from 1, of an upload shall have that is expected to be so large. An expectation
 * that was far too small costs memory, and no upload: the parts grow so that the most that S3 takes still covers it.
 */
export function partBytes(number: number, expectedBytes: number): number {
  const base = Math.max(smallest, Math.ceil(expectedBytes / even / MiB) * MiB);
  const doublings = Math.max(0, Math.ceil((number - even) / step));
  return Math.min(largest, base * 2 ** doublings);
}
