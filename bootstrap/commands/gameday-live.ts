import { randomBytes } from "node:crypto";
import type { Clients } from "../edges/clients.ts";
import type { Clock } from "../edges/clock.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import type { Row } from "../gameday/rows.ts";
import { referredParameters, valuesFor } from "../release/parameters.ts";
import type { RoleSource } from "../release/release.ts";
import type { LiveField } from "./field.ts";

const bootLimitSeconds = 10 * 60;
const betweenRowsMs = 100;
/** The RTO is no finer than this. */
const betweenLooksMs = 500;

/** Gives the environment's servers the parameters that their templates refer to, which in AWS somebody has put there. */
export async function makeParameters(
  { parameters }: LiveField,
  sources: Readonly<Record<string, RoleSource>>,
): Promise<string[]> {
  const names = referredParameters(sources);
  for (const [name, value] of valuesFor(names, randomValue))
    await Promise.all(parameters.map((region) => region.put(name, value)));
  return names;
}

/** As good as a password. */
export function randomValue(): string {
  return randomBytes(18).toString("base64url");
}

/** Waits until the environment serves its clients; when it does not, its servers' consoles say why. */
export async function waitUntilServed(
  patience: Patience,
  live: LiveField,
  region: string,
  look: () => Promise<Row | undefined>,
): Promise<Row> {
  try {
    return await waitFor(
      patience,
      `the first row through the load balancer in ${region}`,
      bootLimitSeconds,
      async () => {
        const row = await look();
        return row === undefined ? { kind: "waiting" } : { kind: "ready", value: row };
      },
      betweenLooksMs,
    );
  } catch (error) {
    throw new RekindleError("failed-check", (error as Error).message, {
      cause: error,
      details: await live.consoles(region),
    });
  }
}

/** Clients that go on writing rows, one after the other, until they are told to stop. */
export interface Writing {
  /** What was acknowledged so far. */
  readonly rows: readonly Row[];
  /** Waits for no write that is under way: an environment that is lost may never answer it. */
  stop(): void;
}

export function startWriting(clients: Clients, clock: Clock, first: Row): Writing {
  const rows = [first];
  let isOver = false;
  const write = async () => {
    while (!isOver) {
      const row = await clients.write();
      if (row !== undefined && !isOver) rows.push(row);
      await clock.sleep(betweenRowsMs);
    }
  };
  // A client's failure is no row, so this never rejects unless the gateway itself is gone, which the day notices.
  write().catch(() => undefined);
  return {
    rows,
    stop: () => {
      isOver = true;
    },
  };
}
