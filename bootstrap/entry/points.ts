import { RekindleError } from "../errors.ts";
import { describePoint, pointLines } from "../recovery/describe-point.ts";
import { answer, type Options } from "./answer.ts";
import { cloudOfShell, regionNamed } from "./cloud.ts";
import { positive } from "./numbers.ts";
import { environmentName, topologyOf } from "./project.ts";
import { running } from "./shell.ts";

/** What recovery points one region's catalog knows, the newest first; of one that is named, all that was seen of it. */
export async function pointsCommand(
  id: string | undefined,
  options: Options & { region?: string; limit: string },
): Promise<void> {
  const limit = positive("--limit", options.limit);
  const topology = await topologyOf(environmentName(options.env));
  const cloud = cloudOfShell(topology, running());
  const { catalog } = regionNamed(cloud.regions, options.region ?? cloud.recovery.region);
  await catalog.store.inspect();
  if (id === undefined) {
    const points = await catalog.points(limit);
    const none = `${catalog.store.region} knows no recovery point of ${topology.environment.name}; take one: rekindle snapshot`;
    return answer(options, { version: 1, points }, points.length === 0 ? [none] : points.flatMap(pointLines));
  }
  const point = await catalog.point(id);
  if (point === undefined)
    throw new RekindleError(
      "bad-input",
      `region ${catalog.store.region} knows no recovery point ${JSON.stringify(id)}; rekindle points lists them`,
    );
  answer(options, point, [...describePoint(point), ...pointLines(point).slice(1)]);
}
