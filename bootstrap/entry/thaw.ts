import { requestDump, waitForDump } from "../commands/thaw-dump.ts";
import { requestPoint, type ThawedPoint, waitForPoint } from "../commands/thaw-point.ts";
import { thawRelease } from "../commands/thaw-release.ts";
import { describeDumpEstimate, describeEstimate } from "../recovery/thaw-cost.ts";
import { answer, type Options, say } from "./answer.ts";
import { cloudOfShell, regionNamed } from "./cloud.ts";
import { dumpNamed } from "./dump.ts";
import { positive } from "./numbers.ts";
import { environmentName, topologyOf } from "./project.ts";
import { running } from "./shell.ts";

/** Makes a release readable, in both regions unless one is named, and waits for it. */
export async function thawReleaseCommand(
  release: string,
  options: Options & { region?: string },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const cloud = cloudOfShell(topology, run);
  const regions = options.region === undefined ? cloud.regions : [regionNamed(cloud.regions, options.region)];
  const print = say(options);
  const thawed = await Promise.all(
    regions.map(({ catalog }) => thawRelease(catalog.store, release, { ...run, print })),
  );
  const outcome = regions.map(({ region }, index) => ({ region, thawed: thawed[index]! }));
  answer(
    options,
    { version: 1, release, regions: outcome },
    outcome.map(
      ({ region, thawed }) =>
        `release ${release} can be read in ${region}: ${thawed.length} objects were thawed for a week`,
    ),
  );
}

/** Brings what is cold of a recovery point or a dump back in one region, and says when and at what cost. */
export function thawCommand(
  id: string,
  options: Options & { region?: string; days: string; wait?: boolean },
): Promise<void> {
  return id.startsWith("dump-") ? thawDump(id, options) : thawPoint(id, options);
}

async function thawDump(id: string, options: Options & { region?: string; wait?: boolean }): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const cloud = cloudOfShell(topology, run);
  const { catalog } = regionNamed(cloud.regions, options.region ?? cloud.recovery.region);
  const dump = await dumpNamed(catalog, id);
  const context = { ...run, print: say(options) };
  const asked = await requestDump(catalog.store, dump, context);
  for (const line of describeDumpEstimate(asked.estimate)) context.print(line);
  const thawed =
    options.wait && asked.state === "thawing"
      ? await waitForDump(catalog.store, dump, asked, context)
      : asked;
  const { region, objects, state } = thawed;
  answer(options, { version: 1, dump: id, ...thawed }, [
    ...objects.map((key) => `${key}: being thawed`),
    state === "readable"
      ? `${id} can be read in ${region}`
      : `${id} can't be read in ${region} yet; run it again to see, or with --wait`,
  ]);
}

async function thawPoint(
  point: string,
  options: Options & { region?: string; days: string; wait?: boolean },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const cloud = cloudOfShell(topology, run);
  const place = regionNamed(cloud.regions, options.region ?? cloud.recovery.region);
  const days = positive("--days", options.days);
  const context = { ...run, print: say(options) };
  const asked = await requestPoint(place, point, days, context);
  for (const line of describeEstimate(asked.estimate, days)) context.print(line);
  const thawed =
    options.wait && asked.state === "thawing" ? await waitForPoint(place, point, asked, context) : asked;
  answer(options, { version: 1, point, ...thawed }, describeThaw(point, thawed));
}

function describeThaw(point: string, { region, state, readableUntil, snapshots, objects }: ThawedPoint) {
  if (state === "readable")
    return [
      `${point} can be read in ${region}${readableUntil === undefined ? "" : ` until ${readableUntil}`}`,
    ];
  const cold = snapshots.filter(({ tier }) => tier !== "thawed");
  return [
    ...cold.map(({ id, what, tier }) => `snapshot ${id} of ${what}: ${tier}`),
    ...objects.map((key) => `${key}: being thawed`),
    `${point} can't be read in ${region} yet; run it again to see, or with --wait`,
  ];
}
