import type { Command } from "commander";
import { env, json } from "./options.ts";

/** What a project and its account need once. */
export function addSetupCommands(program: Command): void {
  program.commandsGroup("Setting up:");
  program
    .command("doctor")
    .description("list what is needed, what was found, and how to install what is missing")
    .addOption(json)
    .action(async (options) => (await import("../entry/local.ts")).doctorCommand(options));
  program
    .command("validate")
    .description("check every environment and role, and the user-data they render")
    .argument("[environment...]", "only these environments")
    .addOption(json)
    .action(async (environments, options) =>
      (await import("../entry/local.ts")).validateCommand(environments, options),
    );
  program
    .command("schema")
    .description("print the JSON Schema of an environment or a role, for editors")
    .argument("<kind>", "environment, role or files")
    .action(async (kind) => (await import("../entry/local.ts")).schemaCommand(kind));
  program
    .command("bootstrap")
    .description("make the bucket of Terraform's state, once for each environment")
    .addOption(env)
    .action(async (options) => (await import("../entry/commands.ts")).bootstrapCommand(options));
  program
    .command("synth-input", { hidden: true })
    .description("write what the stacks are synthesized from; cdktf.json runs it")
    .addOption(env)
    .action(async (options) => (await import("../entry/commands.ts")).synthInputCommand(options));
}
