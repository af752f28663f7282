import { type Command, Option } from "commander";
import { each, env, json, site } from "./options.ts";

/** Bringing a part back. */
export function addRestoreCommands(program: Command): void {
  const restore = program.command("restore").description("bring a part back: data, or files of a release");
  const restoring = (command: Command) =>
    command
      .option("--database <name>", "only this database of it; may be given several times", each)
      .option("--replace", "in the place of data that is there; what was there is kept aside")
      .option("--dry-run", "only say what would change")
      .option("--no-globals", "without roles and memberships")
      .option("--no-owner", "everything belongs to the user who restores, and nobody is granted anything")
      .option("--region <region>", "read it there; else in the recovery region")
      .option("--jobs <n>", "how many archives at a time", "4")
      .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
      .addOption(env)
      .addOption(json);
  restoring(
    restore
      .command("dump")
      .description("stream a dump into a database server, and count what came back")
      .argument("<dump>", "its id; rekindle dumps lists them")
      .requiredOption("--to <connection>", "such as postgres://admin@db.example.net:5432, or ssh://db-1")
      .option(
        "--password-from <place>",
        "ssm:<parameter> or secret:<name>#<key>; else REKINDLE_DATABASE_PASSWORD",
      ),
  ).action(async (dump, options) =>
    (await import("../entry/restore-dump.ts")).restoreDumpCommand(dump, options),
  );
  restoring(
    restore
      .command("database")
      .description("put the newest dump of a server, or one database of it, back into that server")
      .argument("<name>", "one of the environment's dumps")
      .addOption(
        new Option("--as-of <time>", "the newest dump of that moment, in ISO 8601").conflicts("dump"),
      )
      .option("--dump <id>", "one dump")
      .addOption(site),
  ).action(async (name, options) =>
    (await import("../entry/restore-dump.ts")).restoreDatabaseCommand(name, options),
  );
  restore
    .command("rds")
    .description(
      "an RDS instance of the primary as it was at a moment, in place of the present one, which is kept",
    )
    .argument("<database>", "its name in the environment")
    .addOption(new Option("--as-of <time>", "to the second, in ISO 8601").conflicts("point"))
    .option("--point <id>", "the snapshot of one recovery point")
    .option("--dry-run", "only say what it would be restored from, and what would change")
    .addOption(env)
    .addOption(json)
    .action(async (database, options) =>
      (await import("../entry/restore-database.ts")).restoreDatabaseCommand(database, options),
    );
  restore
    .command("volume")
    .description("replace a running server's data by that of a recovery point, or look at that beside it")
    .argument("<server>", "such as db-0")
    .addOption(
      new Option("--as-of <time>", "the newest point of that moment, in ISO 8601").conflicts("point"),
    )
    .option("--point <id>", "one recovery point; else the newest complete one")
    .option("--region <region>", "where the server runs; else both regions are asked")
    .option("--dry-run", "say what would be done, and change nothing")
    .option(
      "--replace-newer",
      "replace data that is newer than the point; it stays, detached and as a snapshot",
    )
    .addOption(
      new Option(
        "--beside",
        "leave the present data alone, and mount the point's beside it, read-only",
      ).conflicts("replaceNewer"),
    )
    .option("--detach", "with --beside: take that away again")
    .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
    .addOption(env)
    .addOption(json)
    .action(async (server, options) =>
      (await import("../entry/restore-volume.ts")).restoreVolumeCommand(server, options),
    );
  restore
    .command("files")
    .description("bring files of an earlier state of the configuration back, to a server or into a folder")
    .argument("<state>", "a release, a time in ISO 8601, a git revision, or `current`")
    .argument("[path...]", "globs of paths on the server; else all of the role's")
    .requiredOption("--role <role>", "whose files")
    .option(
      "--to-server <name>",
      "such as db-0, an instance, or ssh:<host as ssh knows it>; templates are filled in there",
    )
    .option("--to-folder <folder>", "as they are in the release, into a folder")
    .option("--region <region>", "where that server runs; else both regions are asked")
    .option("--dry-run", "show what would change, secrets masked, and change nothing")
    .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
    .addOption(env)
    .addOption(json)
    .action(async (state, paths, options) =>
      (await import("../entry/restore-files.ts")).restoreFilesCommand(state, paths, options),
    );
}
