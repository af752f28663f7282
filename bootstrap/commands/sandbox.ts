import { Command } from "commander";
import type { SandboxContext } from "./sandbox/context.ts";
import { faultCommand } from "./sandbox/fault.ts";
import { parseEngine, parsePort } from "./sandbox/input.ts";
import {
  printEnvironment,
  resetSandbox,
  type StartWish,
  showRequests,
  showStatus,
  start,
  stop,
} from "./sandbox/lifecycle.ts";
import { cutRegion, restoreRegion } from "./sandbox/regions.ts";

export type { SandboxContext } from "./sandbox/context.ts";

/** `rekindle sandbox …`. The context is made when a command runs, so that `--help` reads no configuration. */
export function sandboxCommand(context: () => Promise<SandboxContext>): Command {
  const command = new Command("sandbox").description(
    "AWS on this machine: an emulator behind Rekindle's gateway",
  );
  command
    .command("start")
    .description("start it, or say where it runs")
    .option("--port <port>", "listen there; a free port by default", parsePort)
    .option(
      "--engine <engine>",
      "what gives instances bodies: box, qemu, none, or auto for the best that runs at once; none by default",
      parseEngine,
    )
    .action(async (wish: StartWish) => start(await context(), wish));
  command
    .command("stop")
    .description("end it and forget everything in it")
    .action(async () => stop(await context()));
  command
    .command("status")
    .description("say what runs, what is lost or faulty, and what the emulator does not do")
    .option("--json", "for programs")
    .action(async ({ json }: { json?: boolean }) => showStatus(await context(), json === true));
  command
    .command("env")
    .description('start it if need be, and print what a shell needs: eval "$(npx rekindle sandbox env)"')
    .action(async () => printEnvironment(await context()));
  command
    .command("reset")
    .description("forget everything in it, and go on")
    .action(async () => resetSandbox(await context()));
  command
    .command("cut <region>")
    .description("from now on the region answers nothing")
    .option("--mode <mode>", "refused or timeout", "refused")
    .action(async (region: string, { mode }: { mode: string }) => cutRegion(await context(), region, mode));
  command
    .command("restore <region>")
    .description("the region answers again")
    .action(async (region: string) => restoreRegion(await context(), region));
  command
    .command("requests")
    .description("list the requests that were made, with what became of them")
    .option("--json", "for programs")
    .action(async ({ json }: { json?: boolean }) => showRequests(await context(), json === true));
  command.addCommand(faultCommand(context));
  return command;
}
