import { type Command, Option } from "commander";
import { commit, each, env, json, site } from "./options.ts";

/** Taking images and data, and how long they are kept. */
export function addDataCommands(program: Command): void {
  program.commandsGroup("Images and data:");
  program
    .command("bake")
    .description("make the golden images that a commit's roles need and no region lacks")
    .addOption(env)
    .addOption(commit)
    .addOption(json)
    .action(async (options) => (await import("../entry/commands.ts")).bakeCommand(options));
  program
    .command("image")
    .description("take an image of a server that no recipe makes, and copy it to every place")
    .argument("<server>", "an instance's id, a server's name in the environment, or a Name tag")
    .option("--reboot", "shut the server down meanwhile: its file systems are whole")
    .option("--no-reboot", "let it run on: its file systems are as after a crash")
    .option("--name <name>", "what roles call the image; else the server's name and the time")
    .option("--role <role>", "whose data volumes stay out of it; else the server's own role")
    .addOption(env)
    .addOption(json)
    .action(async (server, options) => (await import("../entry/copies.ts")).imageCommand(server, options));
  program
    .command("snapshot")
    .description("take a recovery point of all data, made quiet and copied to every place that is to have it")
    .option("--allow-crash", "take it also of what can't be made quiet: as after a crash, and labelled so")
    .option("--wait [duration]", "wait for another run to end, an hour or as long as this; else leave")
    .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
    .addOption(env)
    .addOption(json)
    .action(async (options) => (await import("../entry/snapshot.ts")).snapshotCommand(options));
  program
    .command("copy")
    .description("finish the copies of points and dumps that an interrupted or failed command has left")
    .argument(
      "[point-or-dump]",
      "this one, looked at whole; else the newest points, down to the first that a rebuild can take, and dumps",
    )
    .option("--wait [duration]", "wait for other copies to end, an hour or as long as this; else leave")
    .addOption(env)
    .addOption(json)
    .action(async (id, options) => (await import("../entry/copies.ts")).copyCommand(id, options));
  program
    .command("dump")
    .description("dump the environment's database servers into every place's bucket, while they are in use")
    .argument("[name...]", "only these of the environment's dumps; else all")
    .option("--jobs <n>", "how many at a time: servers, databases and archives", "4")
    .addOption(site)
    .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
    .addOption(env)
    .addOption(json)
    .action(async (names, options) => (await import("../entry/dump.ts")).dumpCommand(names, options));
  program
    .command("dumps")
    .description("list the dumps that a region's catalog knows, the newest first")
    .argument("[name]", "only those of this name")
    .option("--region <region>", "whose catalog; else the recovery region's")
    .addOption(env)
    .addOption(json)
    .action(async (name, options) => (await import("../entry/dump.ts")).dumpsCommand(name, options));
  program
    .command("verify-dump")
    .description(
      "restore a dump into a server that is made for it, on this machine, and compare what came back",
    )
    .argument("<dump>")
    .option("--jobs <n>", "how many archives at a time", "2")
    .option("--region <region>", "read it there; else in the recovery region")
    .option("--folder <folder>", "where the server has its data; else the system's temporary folder")
    .addOption(env)
    .addOption(json)
    .action(async (dump, options) => (await import("../entry/dump.ts")).verifyDumpCommand(dump, options));
  program
    .command("prune")
    .description(
      "what of recovery points, dumps and images stays or goes, and why; removes only with --remove",
    )
    .option("--remove", "carry it out; else nothing is removed")
    .addOption(
      new Option(
        "--leftover <id>",
        "remove this snapshot or image that nothing explains; may be given several times",
      )
        .argParser(each)
        .conflicts("remove"),
    )
    .option("--wait [duration]", "wait for another prune to end, an hour or as long as this; else leave")
    .addOption(env)
    .addOption(json)
    .action(async (options) => (await import("../entry/prune.ts")).pruneCommand(options));
  const hold = program.command("hold").description("keep a recovery point or a dump from every prune");
  hold
    .command("add")
    .description("keep a point until a moment")
    .argument("<point>")
    .requiredOption("--reason <text>", "why; it is kept with the hold")
    .requiredOption("--until <time>", "when it ends, in ISO 8601")
    .addOption(env)
    .addOption(json)
    .action(async (point, options) => (await import("../entry/hold.ts")).addHoldCommand(point, options));
  hold
    .command("remove")
    .description("end a hold")
    .argument("<id>")
    .addOption(env)
    .addOption(json)
    .action(async (id, options) => (await import("../entry/hold.ts")).endHoldCommand(id, options));
  hold
    .command("list")
    .description("every hold, of all regions")
    .addOption(env)
    .addOption(json)
    .action(async (options) => (await import("../entry/hold.ts")).listHoldsCommand(options));
}
