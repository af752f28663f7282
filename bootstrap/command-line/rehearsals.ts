import { type Command, Option } from "commander";
import { engineWishes } from "../../sandbox/protocol.ts";
import { commit, env, json } from "./options.ts";

/** Rehearsing on this machine. */
export function addRehearsalCommands(program: Command): void {
  program.commandsGroup("Rehearsals:");
  program
    .command("gameday")
    .description("rehearse the loss of the primary region in a sandbox, against the clock")
    .addOption(env)
    .addOption(commit)
    .addOption(
      new Option("--mode <mode>", "how the lost region fails")
        .choices(["refused", "timeout"])
        .default("refused"),
    )
    .addOption(
      new Option(
        "--engine <engine>",
        "what gives instances bodies: the best that runs at once, namespaces of this Linux (root), QEMU, or nothing",
      )
        .choices(engineWishes)
        .default("auto"),
    )
    .option(
      "--setup",
      "install the system packages that real servers take and that are missing, and fetch the rest",
    )
    .option("--time-passes <duration>", "between the last snapshot and the loss: the age of the data", "3s")
    .option(
      "--as-of <duration>",
      "bring back a past moment, so long before the loss, although a newer recovery point is there",
    )
    .option("--keep", "leave the rebuilt environment and its sandbox running")
    .option(
      "--record",
      "keep the outcome in the shell's AWS, where rekindle status finds it on every machine",
    )
    .addOption(json)
    .action(async (options) => (await import("../entry/gameday.ts")).gamedayCommand(options));
  program
    .command("rehearse")
    .description(
      "boot one server of a role from the work tree as it is, on this machine, and ask its health check",
    )
    .argument("<role>")
    .addOption(
      new Option("--engine <engine>", "what gives the server a body; the best that can run")
        .choices(engineWishes.filter((wish) => wish !== "none"))
        .default("auto"),
    )
    .option(
      "--from <point>",
      "with the data of a recovery point of this project's sandbox; else with blank volumes",
    )
    .addOption(new Option("--shell", "open a shell in the server afterwards").conflicts("json"))
    .option("--timeout <duration>", "how long the server may take to boot", "10m")
    .addOption(env)
    .addOption(json)
    .action(async (role, options) => (await import("../entry/rehearse.ts")).rehearseCommand(role, options));
}
