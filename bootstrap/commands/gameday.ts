import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HostFailure } from "../collect/failure.ts";
import type { Topology } from "../config/schema.ts";
import type { Clients } from "../edges/clients.ts";
import type { Clock } from "../edges/clock.ts";
import type { Repository } from "../edges/git.ts";
import type { GitHistory } from "../edges/git-bundle.ts";
import type { Sandbox } from "../edges/sandbox.ts";
import type { Signer } from "../edges/signers.ts";
import type { Stopwatch } from "../edges/stopwatch.ts";
import { assembleReport, type Learned } from "../gameday/assemble.ts";
import { reportMarkdown } from "../gameday/markdown.ts";
import type { GameDayReport, LostCall } from "../gameday/report.ts";
import type { Recipe } from "../image/recipe.ts";
import { encodeJson } from "../json.ts";
import type { RoleSource } from "../release/release.ts";
import type { PublicKey } from "../release/signature.ts";
import { bake } from "./bake.ts";
import type { Field, LiveField } from "./field.ts";
import { makeParameters, startWriting, type Writing, waitUntilServed } from "./gameday-live.ts";
import { deploy, prepare, recover } from "./gameday-recover.ts";
import { countLeftovers, tearDown } from "./gameday-teardown.ts";
import { Journal, type Progress } from "./journal.ts";
import { publish } from "./publish.ts";
import { takeSnapshot } from "./snapshot.ts";
import type { SnapshotContext } from "./snapshot-context.ts";

export interface GameDayContext {
  /** Names the day and its folder. */
  id: string;
  /** Where the day's files go: reports, synthesized stacks, the sandbox's state. */
  folder: string;
  topology: Topology;
  commit: string;
  sources: Record<string, RoleSource>;
  recipes: Record<string, Recipe>;
  signer: Signer;
  trusted: readonly PublicKey[];
  history: GitHistory;
  repository: Pick<Repository, "describe">;
  mode: "refused" | "timeout";
  engine: GameDayReport["scenario"]["engine"];
  /** Why no better engine runs the day. */
  passedOver: string[];
  /** How long after the snapshot the region is lost. */
  passingMs: number;
  /** For a day to a past moment: how long before the loss that moment lies, at least. */
  goingBackMs?: number;
  /** How long servers may take to come up, and builders of images to power themselves off. */
  bootLimitSeconds: number;
  /** Leaves the rebuilt environment and the sandbox running. */
  keep: boolean;
  clock: Clock;
  stopwatch: Stopwatch;
  signal: AbortSignal;
  progress: Progress;
  print(line: string): void;
  /** Checks every tool and the tree, before anything is started. */
  preflight(): Promise<void>;
  openField(): Promise<Field>;
  stacksProgram: string;
}

/** Rehearses the loss of the primary region against the clock. Always ends with a report. */
export async function gameday(context: GameDayContext): Promise<GameDayReport> {
  const startedAt = context.clock.now().toISOString();
  const journal = new Journal(context.clock, context.stopwatch, context.progress);
  const learned: Learned = { checks: [], limits: [] };
  let field: Field | undefined;
  try {
    await journal.step("preflight", context.preflight);
    await journal.step("sandbox", async () => {
      // Known from here on, so that it is stopped whatever fails next.
      field = await context.stopwatch.during("aws", context.openField);
      const { limits } = await field.sandbox.status();
      learned.limits = field.live === undefined ? [...limits, nothingFrozen] : limits;
      await field.cloud.ensureStateBucket();
    });
    await rehearse(context, field!, journal, learned);
  } catch {
    // The step that failed is in the journal, with its reasons; the teardown must run all the same.
  }
  journal.stopClock();
  if (field !== undefined) await closeField(context, field, journal, learned);
  const report = assembleReport({ ...context, startedAt }, journal.steps, learned);
  await writeReport(context.folder, report);
  return report;
}

async function rehearse(
  context: GameDayContext,
  field: Field,
  journal: Journal,
  learned: Learned,
): Promise<void> {
  const { clock, stopwatch } = context;
  const { cloud, sandbox, terraform } = field;
  const shared = { ...context, cloud, account: cloud.account };

  await journal.step("foundation", async () => {
    const stack = await prepare(context, field, "before");
    await deploy(context, terraform, stack("foundation-stack"));
  });
  const { live } = field;
  if (live !== undefined)
    await journal.step("parameters", async () => {
      learned.parameters = await makeParameters(live, context.sources);
    });
  await journal.step("publish", () => publish({ ...shared, catalogs: cloud.catalogs }));
  await journal.step("bake", () =>
    bake({
      ...shared,
      places: cloud.places,
      builderLimitSeconds: context.bootLimitSeconds,
    }),
  );
  await journal.step("primary", async () => {
    const stack = await prepare(context, field, "before");
    await deploy(context, terraform, stack("primary-stack"));
  });
  const writing = live?.clients && (await writeRows(context, live, live.clients.primary, journal, learned));
  let mark: number;
  try {
    const snapshot = () =>
      takeSnapshot({
        ...shared,
        primary: cloud.primary,
        recovery: cloud.recovery,
        ...(live === undefined ? withoutBodies : { shellOf: live.shellOf }),
      });
    await journal.step("snapshot", snapshot);
    await journal.step("let time pass", () =>
      stopwatch.during("passing", () => clock.sleep(context.passingMs)),
    );
    if (context.goingBackMs !== undefined) {
      const { goingBackMs } = context;
      const moment = clock.now();
      learned.asOf = moment.toISOString();
      // What a plan of the newest state would take.
      await journal.step("newer snapshot", snapshot);
      const passed = clock.now().getTime() - moment.getTime();
      await journal.step("let more time pass", () =>
        stopwatch.during("passing", () => clock.sleep(Math.max(0, goingBackMs - passed))),
      );
    }
    mark = await journal.step("fault", () => loseRegion(context, sandbox));
    learned.faultAt = clock.now().toISOString();
  } finally {
    writing?.stop();
  }

  journal.startClock();
  try {
    await recover(context, field, journal, learned, writing?.rows ?? []);
  } finally {
    learned.lostCalls = await callsToLostRegion(context, sandbox, mark);
  }
}

const nothingFrozen =
  "servers without bodies have nothing that could be frozen: the recovery point was accepted as crash consistent, whatever the environment allows";

/** Rows of the emulator have no data to make quiet. */
const withoutBodies: Pick<SnapshotContext, "shellOf" | "allowCrash"> = {
  shellOf: () => async () => {
    throw new HostFailure("refused", "no server of this sandbox has a body");
  },
  allowCrash: true,
};

/** Clients begin to write as soon as the primary serves them. */
async function writeRows(
  context: GameDayContext,
  live: LiveField,
  clients: Clients,
  journal: Journal,
  learned: Learned,
): Promise<Writing> {
  const { primary } = context.topology.environment.regions;
  const first = await journal.step("primary serves", () =>
    waitUntilServed(context, live, primary, clients.write, learned),
  );
  return startWriting(clients, context.clock, first);
}

/** Returns where in the gateway's log the lost region's silence begins. */
async function loseRegion(context: GameDayContext, sandbox: Sandbox): Promise<number> {
  await sandbox.loseRegion(context.topology.environment.regions.primary, context.mode);
  return (await sandbox.requestsSince(Number.MAX_SAFE_INTEGER)).next;
}

async function callsToLostRegion(
  context: GameDayContext,
  sandbox: Sandbox,
  since: number,
): Promise<LostCall[]> {
  const lost = context.topology.environment.regions.primary;
  const { requests } = await sandbox.requestsSince(since);
  return requests
    .filter(({ region, outcome }) => region === lost || outcome === "lost")
    .map(({ time, service, action, region }) => ({ time, service, action, region }));
}

/** With `keep`, only tells how to go on. */
async function closeField(
  context: GameDayContext,
  field: Field,
  journal: Journal,
  learned: Learned,
): Promise<void> {
  if (context.keep) {
    context.print(`kept, with ${context.topology.environment.regions.primary} still lost; to look around:`);
    context.print('eval "$(npx rekindle sandbox env)"; and at the end: npx rekindle sandbox stop');
    return;
  }
  try {
    await journal.step("teardown", () => tearDown(context, field, learned.parameters ?? []));
    learned.leftovers = await journal.step("count what is left", () => countLeftovers(context, field));
  } catch {
    // In the journal, like every failed step. The sandbox must end all the same.
  }
  try {
    await journal.step("stop the sandbox", () => context.stopwatch.during("aws", () => field.sandbox.stop()));
  } catch {
    // In the journal too.
  }
}

async function writeReport(folder: string, report: GameDayReport): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "report.json"), encodeJson(report));
  await writeFile(join(folder, "report.md"), reportMarkdown(report));
}
