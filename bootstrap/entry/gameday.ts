import { randomBytes } from "node:crypto";
import { join, relative } from "node:path";
import { gameday } from "../commands/gameday.ts";
import { keepGameDayEverywhere } from "../commands/keep-gameday.ts";
import { systemClock } from "../edges/clock.ts";
import type { Cloud } from "../edges/cloud.ts";
import { gitRepository } from "../edges/git.ts";
import { gitHistory } from "../edges/git-bundle.ts";
import {
  applyEnvironment,
  type EngineWish,
  findSandbox,
  sandboxEnvironment,
  startSandbox,
} from "../edges/sandbox.ts";
import { stepDisplay } from "../edges/terminal.ts";
import { terraformIn } from "../edges/terraform.ts";
import { thisMachine } from "../edges/tools/context.ts";
import { ensureEmulator } from "../edges/tools/emulator.ts";
import { ensureTerraform } from "../edges/tools/ensure-terraform.ts";
import { RekindleError } from "../errors.ts";
import { gameDayRecord } from "../gameday/record.ts";
import type { Options } from "./answer.ts";
import { accessOfSandbox, cloudOfSandbox, cloudOfShell } from "./cloud.ts";
import { resolveEngine } from "./engine.ts";
import { liveField } from "./live-field.ts";
import { seconds } from "./numbers.ts";
import { programFile, projectRoot, sandboxFolder, stateFolder } from "./project.ts";
import { running } from "./shell.ts";
import { committedForSandbox } from "./signing.ts";

const bootLimitSeconds = 10 * 60;

export async function gamedayCommand(
  options: Options & {
    commit?: string;
    mode: "refused" | "timeout";
    engine: EngineWish;
    setup?: boolean;
    timePasses: string;
    asOf?: string;
    keep?: boolean;
    record?: boolean;
  },
): Promise<void> {
  const passingMs = seconds("--time-passes", options.timePasses) * 1000;
  const goingBackMs = options.asOf === undefined ? undefined : seconds("--as-of", options.asOf) * 1000;
  const project = await committedForSandbox(options);
  const run = running();
  const { environment } = project.topology;
  const moment = run.clock.now().toISOString().slice(0, 19).replace(/[-:]/g, "").toLowerCase();
  const id = `${environment.name}-${moment}-${randomBytes(2).toString("hex")}`;
  const folder = join(stateFolder(), "gamedays", id);
  const display = stepDisplay(options.json ? process.stderr : process.stdout, run.clock);
  const machine = thisMachine(projectRoot(), process.env, display.print);
  const { engine, passedOver } = await resolveEngine(machine, {
    wish: options.engine,
    setup: options.setup ?? false,
  });
  for (const line of passedOver) display.print(line);
  display.print(
    engine === "none"
      ? "no engine: servers are rows of the emulator, and hold no data"
      : `engine ${engine}: real servers and real rows`,
  );
  const kept = options.record ? cloudOfShell(project.topology, run) : undefined;
  let tools: { binary: string; cliConfig: string; moto: string[] } | undefined;

  // A day that could not begin ends with the code of what it lacks: nothing was judged.
  let unready: unknown;
  const beforeTheDay = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      unready = error;
      throw error;
    }
  };

  const report = await gameday({
    ...project,
    ...run,
    history: gitHistory(projectRoot()),
    repository: gitRepository(projectRoot()),
    id,
    folder,
    mode: options.mode,
    engine,
    passedOver,
    passingMs,
    ...(goingBackMs === undefined ? {} : { goingBackMs }),
    bootLimitSeconds,
    keep: options.keep ?? false,
    progress: display,
    print: display.print,
    stacksProgram: programFile("stacks.js"),
    preflight: () =>
      beforeTheDay(async () => {
        await refuseRunningSandbox(options.keep ?? false);
        if (kept !== undefined) await demandCatalog(kept, environment.account);
        tools = { ...(await ensureTerraform(machine)), moto: await ensureEmulator(machine) };
      }),
    openField: () =>
      beforeTheDay(async () => {
        const { binary, cliConfig, moto } = tools!;
        const sandbox = await startSandbox({
          stateDir: options.keep ? sandboxFolder() : join(folder, "sandbox"),
          moto,
          account: environment.account,
          engine,
          engineCache: stateFolder(),
          // Ends with this process, even when it is killed; kept ones live on until they are stopped by hand.
          lifetime: options.keep ? "detached" : "parent",
          gatewayScript: programFile("gateway.js"),
          clock: run.clock,
        });
        const variables = sandboxEnvironment(sandbox, {
          region: environment.regions.recovery,
          terraformCliConfig: cliConfig,
          inherited: process.env,
        });
        const access = accessOfSandbox(variables.set, run.stopwatch);
        const cloud = cloudOfSandbox(project.topology, variables.set, run.stopwatch);
        return {
          sandbox,
          cloud,
          ...(engine === "none" ? {} : { live: liveField(project.topology, sandbox, access, cloud, run) }),
          terraform: terraformIn({
            binary,
            cliConfig,
            env: applyEnvironment(process.env, variables),
            signal: run.signal,
          }),
        };
      }),
  });

  if (options.json) console.log(JSON.stringify(report, undefined, 2));
  else printSummary(report, relative(process.cwd(), folder));
  if (kept !== undefined && unready === undefined) {
    const stores = { recovery: kept.recovery.catalog.store, primary: kept.primary.catalog.store };
    await keepGameDayEverywhere(stores, gameDayRecord(report), display.print);
  }
  if (report.verdict === "failed") {
    throw new RekindleError(
      unready instanceof RekindleError ? unready.kind : "failed-check",
      `game day ${id} failed; the whole record is in ${relative(process.cwd(), folder)}/report.md`,
      {
        details: report.reasons,
      },
    );
  }
}

/** Before minutes are spent on a day that could not be kept. */
async function demandCatalog({ account, recovery }: Cloud, owner: string): Promise<void> {
  await account.demand(owner, recovery.region);
  await recovery.catalog.store.inspect();
}

/** A kept day leaves its sandbox where `rekindle sandbox` looks; one that runs there already is someone's work. */
async function refuseRunningSandbox(keep: boolean): Promise<void> {
  const running = keep ? await findSandbox(sandboxFolder(), systemClock) : undefined;
  if (running === undefined) return;
  throw new RekindleError(
    "refused",
    `a sandbox runs already, at ${running.endpoint}; stop it with \`rekindle sandbox stop\`, or leave --keep out`,
  );
}

function printSummary(report: Awaited<ReturnType<typeof gameday>>, folder: string): void {
  const { objectives, rpo, data, rtoSeconds, verdict, checks, lostCalls, leftovers } = report;
  const lines = [
    "",
    `game day ${report.id}: ${verdict}`,
    rtoSeconds === undefined
      ? "RTO: none"
      : `RTO ${rtoSeconds.toFixed(1)} s (objective ${objectives.rtoSeconds} s)`,
    ...rpo.map(
      ({ name, rpoSeconds }) =>
        `RPO of ${name}: ${rpoSeconds.toFixed(1)} s (objective ${objectives.rpoSeconds} s)`,
    ),
    ...(data === undefined
      ? []
      : [
          `RPO by the rows: ${data.rpoSeconds?.toFixed(1) ?? "none"} s, ${data.lost} of ${data.written} rows lost`,
        ]),
    `${checks.filter(({ passed }) => passed).length} of ${checks.length} checks passed, ` +
      `${lostCalls?.length ?? "uncounted"} calls to the lost region, ${leftovers?.length ?? "uncounted"} resources left`,
    `Rekindle's own share of the time: ${(report.overheadShare * 100).toFixed(1)} %`,
    `report: ${folder}/report.md`,
    "",
    "the AWS of this game day was an emulator; it does not prove that:",
    ...report.limits.map((limit) => `  ${limit}`),
  ];
  for (const line of lines) console.log(line);
}
