/** Where a host's pushes lie in a bucket: newer ones sort after older ones. */
export const inboxPrefix = (host: string) => `inbox/${host}/`;

/** `inbox/<host>/<moment>-<12 hex digits>.tar.gz`; the digits tell two pushes of one second apart. */
export function inboxKey(host: string, moment: Date, digest: string): string {
  const at = moment.toISOString().slice(0, 19).replace(/[-:]/g, "");
  return `${inboxPrefix(host)}${at}Z-${digest.slice(0, 12)}.tar.gz`;
}

/** Where an environment's own bucket says that it lies; nothing for a bucket of another name. */
export function regionOfBucket(bucket: string): string | undefined {
  return /-\d{12}-([a-z]{2}(?:-[a-z]+)+-\d)$/.exec(bucket)?.[1];
}
