import { finishCopies } from "../commands/copy.ts";
import { copyNamedDump, copyNewestDumps } from "../commands/copy-dumps.ts";
import { takeImage } from "../commands/image.ts";
import { type Dump, regionsOf } from "../dump/dump.ts";
import { ec2Instances } from "../edges/aws/instances.ts";
import { RekindleError } from "../errors.ts";
import { answer, type Options, say } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { dumpPlaces } from "./databases.ts";
import { seconds } from "./numbers.ts";
import { environmentName, topologyOf } from "./project.ts";
import { awsAccessOfShell, running } from "./shell.ts";

/** The commands that bring what exists to every place: points' copies, and images of servers. */

export interface CopyOptions extends Options {
  /** `--wait` alone means an hour. */
  wait?: string | true;
}

export async function copyCommand(id: string | undefined, options: CopyOptions): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const { places } = cloudOfShell(topology, run);
  const print = say(options);
  const waitMs =
    options.wait === undefined ? 0 : 1000 * seconds("--wait", options.wait === true ? "1h" : options.wait);
  const dumping = { places: dumpPlaces(topology, run), print };
  if (id?.startsWith("dump-")) {
    const dump = await copyNamedDump(dumping, id);
    answer(options, dump, [`dump ${id} is complete in ${regionsOf(dump).join(", ")}`]);
    return demandWhole([dump]);
  }
  const names = id === undefined ? Object.keys(topology.environment.dumps) : [];
  const dumps = names.length === 0 ? [] : await copyNewestDumps(dumping, names);
  const finished = await finishCopies({ ...run, topology, places, print }, id, waitMs);
  answer(
    options,
    finished,
    finished.length === 0
      ? ["no recovery point is unfinished"]
      : finished.map(
          ({ id, places = {} }) => `recovery point ${id} is complete in ${Object.keys(places).join(", ")}`,
        ),
  );
  demandWhole(dumps);
}

function demandWhole(dumps: readonly Dump[]): void {
  const faults = dumps.flatMap((dump) => dump.faults.map((fault) => `${dump.id}: ${fault}`));
  if (faults.length === 0) return;
  throw new RekindleError(
    "tool-failed",
    "not every place has its dumps; mend what is named, then run again",
    {
      details: faults,
    },
  );
}

export interface ImageOptions extends Options {
  /** Left out when the user said neither. */
  reboot?: boolean;
  name?: string;
  role?: string;
}

export async function imageCommand(server: string, options: ImageOptions): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const { role } = options;
  if (role !== undefined && topology.roles[role] === undefined) {
    throw new RekindleError(
      "bad-input",
      `--role ${JSON.stringify(role)} is no role of ${topology.environment.name}; name one of ${Object.keys(topology.roles).join(", ")}`,
    );
  }
  const run = running();
  const { places, primary } = cloudOfShell(topology, run);
  const image = await takeImage(
    {
      ...run,
      topology,
      places,
      instances: ec2Instances(awsAccessOfShell(run), primary.region),
      print: say(options),
    },
    { server, reboot: options.reboot, name: options.name, role },
  );
  answer(options, image, [
    `image ${image.name} of ${image.source.server}, ${image.observed.label} consistent: ${image.observed.reasons.join("; ")}`,
    ...Object.entries(image.images).map(([place, imageId]) => `  ${place}: ${imageId}`),
    `a role starts from it with: image: { taken: ${image.name} }`,
  ]);
}
