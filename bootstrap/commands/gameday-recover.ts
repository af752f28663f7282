import { join } from "node:path";
import type { Topology } from "../config/schema.ts";
import { synthesize } from "../edges/synthesize.ts";
import type { Terraform } from "../edges/terraform.ts";
import { type Learned, objectivesOf } from "../gameday/assemble.ts";
import { bootChecks, isUp, type ServerBoot } from "../gameday/boots.ts";
import { dataChecks, driftChecks } from "../gameday/live-checks.ts";
import { momentChecks, rowsOfMoment } from "../gameday/moment-checks.ts";
import { dataLoss, type Row } from "../gameday/rows.ts";
import type { Check } from "../recovery/check.ts";
import type { Wish } from "../recovery/choose.ts";
import type { Field, LiveField } from "./field.ts";
import { type Waiting, waitForBoots, waitUntilServed } from "./gameday-live.ts";
import type { Journal } from "./journal.ts";
import { makePlan } from "./plan.ts";
import { synthesisInput, writeSynthesisInput } from "./synth-input.ts";
import { verify } from "./verify.ts";

/** What a rebuild needs to know of its day. */
export interface Rebuilding extends Waiting {
  /** Where the day's files go. */
  folder: string;
  topology: Topology;
  print(line: string): void;
  stacksProgram: string;
}

/** What is on the clock: plan, rebuild, the first page, every boot, and the checks. */
export async function recover(
  context: Rebuilding,
  field: Field,
  journal: Journal,
  learned: Learned,
  written: readonly Row[],
): Promise<void> {
  const { topology, clock } = context;
  const { cloud, terraform, live } = field;
  const wish: Wish =
    learned.asOf === undefined ? { kind: "newest" } : { kind: "as-of", moment: learned.asOf };
  const plan = await journal.step("plan", () =>
    makePlan({
      topology,
      catalog: cloud.recovery.catalog,
      backups: cloud.recovery.backups,
      pinTo: cloud.recovery.catalog,
      recoveryDeployed: async () => false,
      account: cloud.account,
      wish,
      clock,
    }),
  );
  learned.plan = plan;
  await journal.step("rebuild", async () => {
    // A folder of its own: whoever recovers starts from a fresh clone.
    const stack = await prepare(context, field, "after");
    await deploy(context, terraform, stack("recovery-stack"));
  });
  if (live !== undefined) await comeUp(context, live, cloud.recovery.region, journal, learned, written);
  learned.checks = await journal.step("verify", async () => [
    ...(await verify({ topology, cloud, pins: plan.pins })),
    ...bootChecks(learned.boots ?? []),
    ...(learned.data === undefined ? [] : dataChecks(written, learned.data, objectivesOf(topology))),
    ...(learned.asOf === undefined ? [] : momentChecks(plan, learned.asOf)),
    ...(learned.asOf === undefined || learned.data === undefined
      ? []
      : rowsOfMoment(plan, learned.asOf, written, learned.data.cameBack)),
    ...(live === undefined ? [] : await driftOfLive(live, learned.boots ?? [])),
  ]);
}

/** Waits for the rebuilt servers. */
async function comeUp(
  context: Rebuilding,
  live: LiveField,
  region: string,
  journal: Journal,
  learned: Learned,
  written: readonly Row[],
): Promise<void> {
  const { recovery } = live.clients ?? {};
  if (recovery !== undefined) {
    const cameBack = await journal.step("first page", () =>
      waitUntilServed(context, live, region, recovery.last, learned),
    );
    // Of a day to a past moment, what was written after that moment is given up, and not lost.
    learned.data = dataLoss(writtenUntil(written, learned.asOf), cameBack, learned.asOf ?? learned.faultAt!);
  }
  await journal.step("every boot", () => waitForBoots(context, live, region, learned));
}

function writtenUntil(written: readonly Row[], moment: string | undefined): Row[] {
  return written.filter(({ at }) => moment === undefined || Date.parse(at) <= Date.parse(moment));
}

/** Of servers that came up: what those that did not lack of their release, their boots have told. */
async function driftOfLive(live: LiveField, boots: readonly ServerBoot[]): Promise<Check[]> {
  const up = boots.filter(isUp);
  return up.length === 0 && boots.length > 0 ? [] : driftChecks(await live.drift(up));
}

/** Synthesizes all stacks from what the catalog holds now. */
export async function prepare(
  context: Rebuilding,
  field: Field,
  when: "before" | "after",
): Promise<(stack: string) => string> {
  const input = join(context.folder, when, "synthesis.json");
  await writeSynthesisInput(
    input,
    await synthesisInput({
      topology: context.topology,
      catalog: field.cloud.recovery.catalog,
      backups: field.cloud.recovery.backups,
      recoveryDeployed: async () => false,
      clock: context.clock,
      print: context.print,
    }),
  );
  return synthesize(context.stacksProgram, input, join(context.folder, when, "cdktf.out"), process.env);
}

export async function deploy(
  { stopwatch }: Pick<Rebuilding, "stopwatch">,
  terraform: Terraform,
  dir: string,
): Promise<void> {
  await stopwatch.during("terraform", async () => {
    await terraform.init(dir);
    await terraform.apply(dir);
  });
}
