import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { type SandboxContext, sandboxCommand } from "../commands/sandbox.ts";
import { systemClock } from "../edges/clock.ts";
import { sandboxEnvironment } from "../edges/sandbox.ts";
import { Stopwatch } from "../edges/stopwatch.ts";
import { thisMachine } from "../edges/tools/context.ts";
import { ensureEmulator } from "../edges/tools/emulator.ts";
import { ensureTerraform } from "../edges/tools/ensure-terraform.ts";
import { environmentName, programFile, projectRoot, sandboxFolder, topologyOf } from "./project.ts";

/** `rekindle sandbox …`, with the program's own way to end on bad arguments. */
export function sandboxCommands(program: Command): Command {
  const command = sandboxCommand(context);
  for (const one of [command, ...command.commands, ...command.commands.flatMap(({ commands }) => commands)]) {
    one.copyInheritedSettings(program);
  }
  return command;
}

async function context(): Promise<SandboxContext> {
  const root = projectRoot();
  const { environment } = await topologyOf(environmentName(undefined));
  const machine = thisMachine(root, process.env, console.error);
  return {
    stateDir: sandboxFolder(),
    gatewayScript: programFile("gateway.js"),
    engineCache: machine.stateDir,
    clock: systemClock,
    bestEngine: async () =>
      await (await import("./engine.ts")).resolveEngine(machine, { wish: "auto", setup: false }),
    environment: { name: environment.name, account: environment.account, ...environment.regions },
    moto: () => ensureEmulator(machine),
    terraformCliConfig: async () => (await ensureTerraform(machine)).cliConfig,
    prepare: (endpoint) => makeStateBuckets(root, endpoint),
    print: console.log,
    tell: console.error,
  };
}

/** Every environment's: a sandbox serves them all, and Terraform needs the bucket before its first word. */
async function makeStateBuckets(root: string, endpoint: string): Promise<void> {
  // The AWS SDK takes seconds to load on a busy machine, and only this needs it.
  const { cloudOfSandbox } = await import("./cloud.ts");
  const files = await readdir(join(root, "configs", "environments"));
  for (const name of files
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length))) {
    const topology = await topologyOf(name);
    const wish = {
      region: topology.environment.regions.recovery,
      terraformCliConfig: undefined,
      inherited: {},
    };
    await cloudOfSandbox(
      topology,
      sandboxEnvironment({ endpoint }, wish).set,
      new Stopwatch(systemClock),
    ).ensureStateBucket();
  }
}
