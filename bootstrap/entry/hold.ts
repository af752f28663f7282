import { addHold, endHold, everyHold } from "../commands/hold.ts";
import { serviceTime } from "../edges/service-time.ts";
import { RekindleError } from "../errors.ts";
import { momentOf } from "../history/live-at.ts";
import { answer, type Options } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { environmentName, topologyOf } from "./project.ts";
import { running } from "./shell.ts";

/** The commands that keep a recovery point from every prune. */

export async function addHoldCommand(
  point: string,
  options: Options & { reason: string; until: string },
): Promise<void> {
  const until = momentOf(options.until);
  if (until === undefined) {
    throw new RekindleError(
      "bad-input",
      `--until ${JSON.stringify(options.until)} is no time; write it in ISO 8601, such as 2027-01-31T00:00:00Z`,
    );
  }
  const wish = { point, reason: options.reason, until: new Date(until).toISOString() };
  const hold = await addHold(await holding(options), wish);
  answer(options, hold, [`${hold.id}: ${point} is kept until ${hold.until}: ${hold.reason}`]);
}

export async function endHoldCommand(id: string, options: Options): Promise<void> {
  const hold = await endHold(await holding(options), id);
  answer(options, hold, [`${id} is over: ${hold.point} is kept for it no more`]);
}

export async function listHoldsCommand(options: Options): Promise<void> {
  const { catalogs, now } = await holding(options);
  const holds = await everyHold(catalogs);
  answer(
    options,
    holds,
    holds.map(
      ({ id, point, until, reason }) =>
        `${id}: ${point} until ${until}${until > now ? "" : " (over)"}: ${reason}`,
    ),
  );
}

async function holding(options: Options) {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const { account, recovery, catalogs } = cloudOfShell(topology, run);
  await account.demand(topology.environment.account, recovery.region);
  const now = await serviceTime(recovery.catalog.store, run.clock);
  return { catalogs, now: now.toISOString() };
}
