import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { rehearse } from "../commands/rehearse.ts";
import { engineOrder, type KnownEngine } from "../edges/engines.ts";
import type { EngineWish } from "../edges/sandbox.ts";
import { type Performance, RealStage, type Stage, type StageOptions } from "../edges/stage.ts";
import { stepDisplay } from "../edges/terminal.ts";
import { RekindleError } from "../errors.ts";
import { bestEngine } from "../gameday/engine.ts";
import { describeRehearsal } from "../rehearsal/report.ts";
import type { Options } from "./answer.ts";
import { seconds } from "./numbers.ts";
import { programFile, stateFolder } from "./project.ts";
import { running } from "./shell.ts";
import { worktreeForSandbox } from "./signing.ts";

type RehearsalWish = Exclude<EngineWish, "none">;

export async function rehearseCommand(
  role: string,
  options: Options & { engine: RehearsalWish; from?: string; shell?: boolean; timeout: string },
): Promise<void> {
  const limitSeconds = seconds("--timeout", options.timeout);
  const project = await worktreeForSandbox(role, options);
  const run = running();
  const display = stepDisplay(options.json ? process.stderr : process.stdout, run.clock);
  // What speaks to AWS takes longer to load than a server to boot.
  const data =
    options.from === undefined
      ? undefined
      : await (await import("./rehearsal-data.ts")).dataOfPoint(options.from, { ...project, role }, run);
  const report = await rehearse({
    ...run,
    ...project,
    role,
    data,
    limitSeconds,
    progress: display,
    print: display.print,
    openStage: () =>
      openStage(engineWish(options.engine, data?.engine), display.print, {
        cache: stateFolder(),
        programs: dirname(programFile("gateway.js")),
        region: project.topology.environment.regions.primary,
        clock: run.clock,
      }),
    visit: async (performance, report) => {
      if (options.json) console.log(JSON.stringify(report, undefined, 2));
      else for (const line of describeRehearsal(report)) console.log(line);
      if (options.shell) await openShell(performance, report.engine);
    },
  }).finally(() => data?.discard());
  if (report.verdict === "failed")
    throw new RekindleError("failed-check", `${report.server} is not healthy: ${report.message}`, {
      // Standard output is a program's then.
      details: options.json ? report.said : [],
    });
}

/** Data can be read by the engine only that has written it. */
function engineWish(wish: RehearsalWish, ofData: KnownEngine | undefined): RehearsalWish {
  if (ofData === undefined || wish === ofData) return wish;
  if (wish === "auto") return ofData;
  throw new RekindleError(
    "refused",
    `the data of --from is in a sandbox with the engine ${ofData}, and ${wish} can't read it; leave --engine out`,
  );
}

/** The stage of the wished engine, or of the best that can run here; says why each better one can't. */
async function openStage(
  wish: RehearsalWish,
  print: (line: string) => void,
  options: Omit<StageOptions, "engine">,
): Promise<Stage> {
  const { taken, passedOver } = await bestEngine(wish === "auto" ? engineOrder : [wish], (engine) =>
    RealStage.open({ ...options, engine }).then(
      (stage) => ({ gives: stage }),
      (error: Error) => ({ obstacle: error.message }),
    ),
  );
  if (taken !== undefined) {
    for (const line of passedOver) print(line);
    return taken;
  }
  throw new RekindleError(
    "missing-tool",
    wish === "auto"
      ? "no engine can run here; `npm run gameday -- --setup` installs what packages have"
      : passedOver[0]!,
    { details: wish === "auto" ? passedOver : [] },
  );
}

async function openShell({ body }: Performance, engine: string): Promise<void> {
  if (body.shell === undefined) {
    throw new RekindleError(
      "refused",
      `engine ${engine} opens no shell in its servers; leave --shell out, or take --engine box`,
    );
  }
  console.log("a shell in the server, which ends with it:");
  const [command, ...args] = body.shell();
  await once(spawn(command, args, { stdio: "inherit" }), "close");
}
