import { type Command, Option } from "commander";
import { env, json } from "./options.ts";

/** What engineers ask when a region is gone. */
export function addRecoverCommands(program: Command): void {
  program.commandsGroup("On the day:");
  program
    .command("status")
    .description("how old each data set is against its RPO, and whether a recovery would work now")
    .option("--env <name>", "only this environment; else REKINDLE_ENV, else all of the project")
    .option(
      "--region <region>",
      "ask only this region, as if to rebuild there; else both, to rebuild in the recovery region",
    )
    .addOption(new Option("--prometheus", "print Prometheus's text format").conflicts("json"))
    .addOption(json)
    .addHelpText(
      "after",
      "\nExit codes: 0 all is well, 1 an RPO is exceeded or a check failed, 6 none failed and one could not be made.",
    )
    .action(async (options) => (await import("../entry/status.ts")).statusCommand(options));
  program
    .command("points")
    .description(
      "list the recovery points that a region's catalog knows, the newest first; of one, all that was seen",
    )
    .argument("[point]", "this one")
    .option("--region <region>", "whose catalog; else the recovery region's")
    .option("--limit <n>", "how many of the newest", "20")
    .addOption(env)
    .addOption(json)
    .action(async (point, options) => (await import("../entry/points.ts")).pointsCommand(point, options));
  program
    .command("plan")
    .description("choose what to rebuild from, say why, and pin it for recovery-stack")
    .addOption(env)
    .addOption(
      new Option(
        "--as-of <time>",
        "the state of that moment, in ISO 8601: RDS to the second, other data by the newest point before it",
      ).conflicts("point"),
    )
    .option("--point <id>", "one recovery point")
    .option("--region <region>", "where to rebuild; else the recovery region")
    .option("--out <file>", "write the plan to a file too")
    .addOption(json)
    .action(async (options) => (await import("../entry/commands.ts")).planCommand(options));
  program
    .command("verify")
    .description("compare the rebuilt environment with its pinned plan")
    .addOption(env)
    .addOption(json)
    .action(async (options) => (await import("../entry/commands.ts")).verifyCommand(options));
  program
    .command("check")
    .description("read everything that a recovery would need, in the region where it would be needed")
    .option("--region <region>", "where; else the recovery region")
    .option("--all", "every complete recovery point and dump, not only the newest and the pinned ones")
    .addOption(env)
    .addOption(json)
    .addHelpText("after", "\nExit codes: 0 all is there, 1 something is not, and is named.")
    .action(async (options) => (await import("../entry/check.ts")).checkCommand(options));
  program
    .command("thaw")
    .description(
      "bring a recovery point or a dump back from the archive tier and Glacier; says when, and at what cost",
    )
    .argument("<point-or-dump>")
    .option("--region <region>", "where; else in the recovery region")
    .option("--days <n>", "how long snapshots stay readable; objects stay seven days", "7")
    .option("--wait", "wait until all of it can be read, which may take three days")
    .addOption(env)
    .addOption(json)
    .action(async (id, options) => (await import("../entry/thaw.ts")).thawCommand(id, options));
}
