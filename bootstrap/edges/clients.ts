import type { Row } from "../gameday/rows.ts";

/** Clients of an environment: they know its address and nothing of what is behind it. What fails is no row. */
export interface Clients {
  write(): Promise<Row | undefined>;
  /** The newest row. */
  last(): Promise<Row | undefined>;
}

const patienceMs = 5_000;

/** `address` is asked for each time: a load balancer may not be there yet, or be another one. */
export function httpClients(
  address: () => Promise<string | undefined>,
  paths: { write: string; last: string },
): Clients {
  const ask = async (method: string, path: string): Promise<Row | undefined> => {
    const host = await address();
    if (host === undefined) return undefined;
    try {
      const signal = AbortSignal.timeout(patienceMs);
      const response = await fetch(`http://${host}${path}`, { method, signal });
      const row = (await response.json()) as Row;
      return response.ok && Number.isInteger(row.id) && !Number.isNaN(Date.parse(row.at)) ? row : undefined;
    } catch {
      return undefined;
    }
  };
  return { write: () => ask("POST", paths.write), last: () => ask("GET", paths.last) };
}
