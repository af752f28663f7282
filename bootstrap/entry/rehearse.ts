import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { rehearse } from "../commands/rehearse.ts";
import { type Performance, Stage } from "../edges/stage.ts";
import { stepDisplay } from "../edges/terminal.ts";
import { RekindleError } from "../errors.ts";
import { describeRehearsal } from "../rehearsal/report.ts";
import type { Options } from "./answer.ts";
import { seconds } from "./numbers.ts";
import { programFile, stateFolder } from "./project.ts";
import { running } from "./shell.ts";
import { worktreeForSandbox } from "./signing.ts";

export async function rehearseCommand(
  role: string,
  options: Options & { engine: "box"; from?: string; shell?: boolean; timeout: string },
): Promise<void> {
  const limitSeconds = seconds("--timeout", options.timeout);
  const project = await worktreeForSandbox(role, options);
  const run = running();
  const display = stepDisplay(options.json ? process.stderr : process.stdout, run.clock);
  const report = await rehearse({
    ...run,
    ...project,
    role,
    data: undefined,
    limitSeconds,
    progress: display,
    print: display.print,
    openStage: () =>
      Stage.open({
        engine: options.engine,
        cache: stateFolder(),
        programs: dirname(programFile("gateway.js")),
        region: project.topology.environment.regions.primary,
        clock: run.clock,
      }),
    visit: async (performance, report) => {
      if (options.json) console.log(JSON.stringify(report, undefined, 2));
      else for (const line of describeRehearsal(report)) console.log(line);
      if (options.shell) await openShell(performance);
    },
  });
  if (report.verdict === "failed")
    throw new RekindleError("failed-check", `${report.server} is not healthy: ${report.message}`);
}

async function openShell({ body }: Performance): Promise<void> {
  console.log("a shell in the server, which ends with it:");
  const [command, ...args] = body.shell();
  await once(spawn(command, args, { stdio: "inherit" }), "close");
}
