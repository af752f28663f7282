import { thawRelease } from "../commands/thaw-release.ts";
import { RekindleError } from "../errors.ts";
import { answer, type Options, say } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
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
  const regions = [cloud.recovery, cloud.primary].filter(
    ({ region }) => options.region === undefined || options.region === region,
  );
  if (regions.length === 0) {
    throw new RekindleError(
      "bad-input",
      `--region ${options.region} is no region of this environment; name ${cloud.recovery.region} or ${cloud.primary.region}`,
    );
  }
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
