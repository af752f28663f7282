import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import type { Clients } from "../edges/clients.ts";
import type { Clock } from "../edges/clock.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import type { Learned } from "../gameday/assemble.ts";
import { beyondHope, describeBoot, isUp, type ServerBoot } from "../gameday/boots.ts";
import type { Row } from "../gameday/rows.ts";
import { referredParameters } from "../release/parameters.ts";
import type { RoleSource } from "../release/release.ts";
import type { LiveField } from "./field.ts";

const bootLimitSeconds = 10 * 60;
const betweenRowsMs = 100;
/** The RTO is no finer than this. */
const betweenLooksMs = 500;

/**
 * Gives the environment's servers the parameters that their templates refer to, which in AWS somebody has put there.
 * Parameters that end alike get one random value: a password is read by two roles, each under a name of its own.
 */
export async function makeParameters(
  { parameters }: LiveField,
  sources: Readonly<Record<string, RoleSource>>,
): Promise<string[]> {
  const names = referredParameters(sources);
  const values = new Map<string, string>();
  for (const name of names) {
    const value = values.get(posix.basename(name)) ?? randomBytes(18).toString("base64url");
    values.set(posix.basename(name), value);
    await Promise.all(parameters.map((region) => region.put(name, value)));
  }
  return names;
}

/**
 * Waits until the environment serves its clients. Ends as soon as all servers of a role have said that they will not
 * come, and says why in their words.
 */
export async function waitUntilServed(
  patience: Patience,
  live: LiveField,
  region: string,
  look: () => Promise<Row | undefined>,
  limitSeconds = bootLimitSeconds,
): Promise<Row> {
  let boots: readonly ServerBoot[] = [];
  const what = `the first row through the load balancer in ${region}`;
  try {
    return await patience.stopwatch.during("boot", () =>
      waitFor(
        patience,
        what,
        limitSeconds,
        async () => {
          const row = await look();
          if (row !== undefined) return { kind: "ready", value: row };
          boots = await live.boots(region);
          const failed = beyondHope(boots);
          if (failed.length === 0) return { kind: "waiting" };
          return { kind: "failed", reason: failed.map(describeBoot).join("; ") };
        },
        betweenLooksMs,
      ),
    );
  } catch (error) {
    const down = boots.filter((boot) => !isUp(boot)).map(describeBoot);
    throw new RekindleError("failed-check", (error as Error).message, {
      cause: error,
      // What failed for want of hope has said so already.
      details:
        beyondHope(boots).length > 0 ? [] : [down.join("; ") || "every server says that it is healthy"],
    });
  }
}

/** Waits until every server of a region has told how its boot went, and no longer than one may take. */
export async function waitForBoots(
  patience: Patience,
  live: LiveField,
  region: string,
  limitSeconds = bootLimitSeconds,
): Promise<ServerBoot[]> {
  let boots: ServerBoot[] = [];
  const start = patience.clock.monotonic();
  const isOver = () => patience.clock.monotonic() - start > limitSeconds * 1000;
  return await patience.stopwatch.during("boot", () =>
    waitFor(
      patience,
      `the boot of every server in ${region}`,
      Number.POSITIVE_INFINITY,
      async () => {
        boots = await live.boots(region);
        // One that stays silent is told by a check of its own, beside how the others went.
        const isDone = isOver() || boots.every(({ outcome }) => outcome !== "silent");
        return isDone ? { kind: "ready", value: boots } : { kind: "waiting" };
      },
      betweenLooksMs,
    ),
  );
}

/** Keeps for the report how a region's servers came up, and what those that did not have said. */
export async function learnBoots(live: LiveField, region: string, learned: Learned): Promise<void> {
  try {
    learned.boots ??= await live.boots(region);
    const down = learned.boots.filter((boot) => !isUp(boot));
    learned.consoles = await live.consoles(region, down);
  } catch {
    // A region that can't be asked any more has failed the day already, for a reason that must not be hidden.
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
