import { dryPrune, type Pruned, prune, pruneLeftovers } from "../commands/prune.ts";
import type { PruneContext } from "../commands/prune-context.ts";
import { serviceTime } from "../edges/service-time.ts";
import { RekindleError } from "../errors.ts";
import type { Decision } from "../recovery/retention.ts";
import { answer, type Options, say } from "./answer.ts";
import { cloudOfShell } from "./cloud.ts";
import { seconds } from "./numbers.ts";
import { environmentName, topologyOf } from "./project.ts";
import { running } from "./shell.ts";

/** How long `--wait` waits for another prune when it names no time. */
const waitSeconds = 3600;

export async function pruneCommand(
  options: Options & { remove?: boolean; leftover?: string[]; wait?: string | true },
): Promise<void> {
  const topology = await topologyOf(environmentName(options.env));
  const { name, retention } = topology.environment;
  if (retention === undefined)
    throw new RekindleError(
      "bad-input",
      `environment ${name} says nothing of retention; write what to keep into configs/environments/${name}.yaml, such as retention: { keepDaily: 7, keepMonthly: 12 }`,
    );
  const run = running();
  const cloud = cloudOfShell(topology, run);
  const told: Decision[] = [];
  const context: PruneContext = {
    topology,
    policy: retention,
    account: cloud.account,
    regions: cloud.regions,
    now: (await serviceTime(cloud.recovery.catalog.store, run.clock)).toISOString(),
    signal: run.signal,
    tell: (decision) => {
      if (options.json) told.push(decision);
      else console.log(describeDecision(decision, options.remove === true));
    },
  };
  const lock = { clock: run.clock, print: say(options), waitMs: 1000 * waitOf(options.wait) };
  const pruned = options.remove
    ? await prune(context, lock)
    : options.leftover === undefined
      ? await dryPrune(context)
      : await pruneLeftovers(context, lock, options.leftover);
  answer(
    options,
    { ...pruned, dryRun: !options.remove, points: told },
    describePruned(pruned, options.remove === true),
  );
  if (pruned.faults.length === 0) return;
  throw new RekindleError(
    "tool-failed",
    "not all of it was removed; mend what is named below, then prune again: what it began, it goes on with",
    { details: pruned.faults },
  );
}

function waitOf(wait: string | true | undefined): number {
  if (wait === undefined) return 0;
  return wait === true ? waitSeconds : seconds("--wait", wait);
}

function describeDecision({ point, action, reasons }: Decision, isRemoving: boolean): string {
  return `${wordOf(action, isRemoving)} ${point.id}: ${reasons.map(({ text }) => text).join("; ")}`;
}

function wordOf(action: Decision["action"], isRemoving: boolean): string {
  if (action === "keep") return "keep  ";
  return isRemoving ? "remove" : "would remove";
}

function describePruned(pruned: Pruned, isRemoving: boolean): string[] {
  const { kept, removed, dumps, archive, images, leftovers, now } = pruned;
  const would = isRemoving ? "" : "would be ";
  const doomed = images.filter(({ action }) => action === "remove");
  return [
    ...dumps.map(({ id, action, reasons }) => `${wordOf(action, isRemoving)} ${id}: ${reasons.join("; ")}`),
    ...archive.map((id) => `archive ${id}: only a monthly or yearly rule keeps it`),
    ...images.map(({ image, action, reasons }) => {
      const ids = Object.entries(image.images).map(([region, id]) => `${id} in ${region}`);
      const name = image.kind === "taken" ? image.name : `of ${image.roles.join(", ")}`;
      const what = `image ${name} (${ids.join(", ")})`;
      return `${wordOf(action, isRemoving)} ${what}: ${reasons.slice(0, 3).join("; ")}${reasons.length > 3 ? ` and ${reasons.length - 3} more` : ""}`;
    }),
    ...leftovers.map(
      ({ kind, region, id, why }) =>
        `left over: ${kind} ${id} in ${region}: ${why}; remove it: rekindle prune --leftover ${id}`,
    ),
    `at ${now} by S3's clock: ${kept} points kept, ${removed} ${would}removed; ${dumps.filter(({ action }) => action === "remove").length} of ${dumps.length} dumps and ${doomed.length} of ${images.length} images ${would}removed; ${leftovers.length} left over`,
    ...(isRemoving ? [] : ["nothing was removed: that takes --remove"]),
  ];
}
