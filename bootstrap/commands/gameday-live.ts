import { randomBytes } from "node:crypto";
import type { Clients } from "../edges/clients.ts";
import type { Clock } from "../edges/clock.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import type { Learned } from "../gameday/assemble.ts";
import { beyondHope, describeBoot, isUp, type ServerBoot, withLastWords } from "../gameday/boots.ts";
import type { Row } from "../gameday/rows.ts";
import { referredParameters, valuesFor } from "../release/parameters.ts";
import type { RoleSource } from "../release/release.ts";
import type { LiveField } from "./field.ts";

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

/** How long to wait for servers, and where what they say is kept. */
export interface Waiting extends Patience {
  bootLimitSeconds: number;
}

/**
 * Waits until the environment serves its clients. Ends as soon as all servers of a role have said that they will not
 * come, and says why in their words.
 */
export async function waitUntilServed(
  context: Waiting,
  live: LiveField,
  region: string,
  look: () => Promise<Row | undefined>,
  learned: Learned,
): Promise<Row> {
  const what = `the first row through the load balancer in ${region}`;
  const wait = async () => {
    const row = await look();
    if (row !== undefined) return { kind: "ready" as const, value: row };
    const failed = beyondHope(await live.boots(region));
    if (failed.length === 0) return { kind: "waiting" as const };
    return { kind: "failed" as const, reason: failed.map(describeBoot).join("; ") };
  };
  try {
    return await context.stopwatch.during("boot", () =>
      waitFor(context, what, context.bootLimitSeconds, wait, betweenLooksMs),
    );
  } catch (error) {
    // A region that can't be asked has nothing to add.
    const boots = await learnBoots(live, region, learned).catch(() => []);
    const isTold = beyondHope(boots).length > 0;
    const down = boots.filter((boot) => !isUp(boot)).map(describeBoot);
    throw new RekindleError("failed-check", (error as Error).message, {
      cause: error,
      details: isTold ? [] : [down.join("; ") || "every server says that it is healthy"],
    });
  }
}

/** Waits until every server of a region has told how its boot went. One that stays silent is told by the checks. */
export async function waitForBoots(
  context: Waiting,
  live: LiveField,
  region: string,
  learned: Learned,
): Promise<void> {
  const { clock, stopwatch, bootLimitSeconds } = context;
  const until = clock.monotonic() + bootLimitSeconds * 1000;
  const wait = async () => {
    const boots = await live.boots(region);
    const isDone = boots.every(({ outcome }) => outcome !== "silent") || clock.monotonic() > until;
    return isDone ? { kind: "ready" as const, value: undefined } : { kind: "waiting" as const };
  };
  const what = `the boot of every server in ${region}`;
  await stopwatch.during("boot", () =>
    waitFor(context, what, Number.POSITIVE_INFINITY, wait, betweenLooksMs),
  );
  await learnBoots(live, region, learned);
}

/** Keeps for the report how a region's servers came up, and what those that did not have said. */
async function learnBoots(live: LiveField, region: string, learned: Learned): Promise<ServerBoot[]> {
  const boots = await live.boots(region);
  const down = boots.filter((boot) => !isUp(boot));
  learned.consoles = await live.consoles(region, down);
  learned.boots = withLastWords(boots, learned.consoles);
  return learned.boots;
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
