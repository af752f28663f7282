/**
 * The entry point. Loads nothing but the command line itself: every command imports what it needs when it runs,
 * so that `rekindle --help` answers as fast as Node starts.
 */
import { Command, Option } from "commander";
import metadata from "../package.json" with { type: "json" };
import { engineWishes } from "../sandbox/protocol.ts";
import { report } from "./entry/report-error.ts";
import { exitCodes } from "./errors.ts";

// The SDK's versions are pinned to ones that run on Node 20; its warning would stand between a user and every answer.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

const program = new Command("rekindle")
  .description(
    "versions server configuration, bakes images, snapshots data, and rebuilds whole environments on AWS",
  )
  .version(metadata.version)
  // The whole help would push the message off the screen.
  .showHelpAfterError("add --help to see what it takes")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : exitCodes["bad-input"]))
  .addHelpText(
    "after",
    `
Exit codes: 0 done, 1 a failed check or verdict, ${Object.entries(exitCodes)
      .filter(([, code]) => code > 1)
      .map(([kind, code]) => `${code} ${kind.replaceAll("-", " ")}`)
      .join(", ")}.`,
  );

const entry = () => import("./entry/commands.ts");
const env = new Option(
  "--env <name>",
  "the environment; else REKINDLE_ENV, else the one that cdktf.json names",
);
const json = new Option("--json", "print one JSON value, and nothing else, on standard output");
const commit = new Option(
  "--commit <revision>",
  "the commit to take; else HEAD, and then a dirty tree is refused",
);
const site = new Option("--site <site>", "which of the environment's own databases")
  .choices(["primary", "recovery"])
  .default("primary");

program
  .command("doctor")
  .description("list what is needed, what was found, and how to install what is missing")
  .addOption(json)
  .action(async (options) => (await import("./entry/local.ts")).doctorCommand(options));
program
  .command("validate")
  .description("check every environment and role, and the user-data they render")
  .argument("[environment...]", "only these environments")
  .addOption(json)
  .action(async (environments, options) =>
    (await import("./entry/local.ts")).validateCommand(environments, options),
  );
program
  .command("schema")
  .description("print the JSON Schema of an environment or a role, for editors")
  .argument("<kind>", "environment, role or files")
  .action(async (kind) => (await import("./entry/local.ts")).schemaCommand(kind));
program
  .command("bootstrap")
  .description("make the bucket of Terraform's state, once for each environment")
  .addOption(env)
  .action(async (options) => (await entry()).bootstrapCommand(options));
const each = (value: string, earlier: string[] = []) => [...earlier, value];
program
  .command("collect")
  .description("bring live servers' configuration into git: one commit of everything that changed")
  .argument("[role...]", "only these roles; else all that say what to collect")
  .option("--host <name>", "only this host; may be given several times", each)
  .option("--jobs <n>", "how many hosts at a time", "8")
  .option("--timeout <duration>", "how long one host may take", "10m")
  .option("--wait [duration]", "wait for another run to end, an hour or as long as this; else leave")
  .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
  .option("--announce-topic <arn>", "tell this SNS topic of a commit")
  .option("--announce-command <command>", "run this of a commit, its message on standard input")
  .addOption(env)
  .addOption(json)
  .action(async (roles, options) => (await import("./entry/collect.ts")).collectCommand(roles, options));
program
  .command("push-config")
  .description("send this machine's own configuration to a bucket's inbox, for collect to take")
  .requiredOption("--host <name>", "the name that this machine goes by")
  .option("--role <role>", "the role of this project that says which paths")
  .option("--path <glob>", "a path to send; may be given several times", each)
  .option("--exclude <glob>", "a path to leave out; may be given several times", each)
  .option("--bucket <name>", "the bucket; else the environment's, in the recovery region")
  .option("--region <region>", "the bucket's region; else what its name says")
  .option("--root <folder>", "the folder that is the root", "/")
  .option("--timeout <duration>", "how long it may take", "10m")
  .addOption(env)
  .addOption(json)
  .action(async (options) => (await import("./entry/collect.ts")).pushConfigCommand(options));
program
  .command("publish")
  .description(
    "pack a commit's configuration into a release in every region, and point the environment to it",
  )
  .addOption(env)
  .addOption(commit)
  .addOption(json)
  .action(async (options) => (await import("./entry/publish.ts")).publishCommand(options));
program
  .command("rollback")
  .description("point the environment to an earlier release, which is in every region already")
  .argument("[release]", "else the one that was live before the current one was published")
  .option("--reason <text>", "why; it is kept in the history, and there is no rollback without one")
  .addOption(env)
  .addOption(json)
  .action(async (release, options) => (await import("./entry/history.ts")).rollbackCommand(release, options));
program
  .command("log")
  .description("who made which release live, when and why, and where it runs now")
  .addOption(env)
  .addOption(json)
  .action(async (options) => (await import("./entry/history.ts")).logCommand(options));
program
  .command("diff")
  .description("what differs between two states of the configuration; secrets are masked")
  .argument("<before>", "host:<name>, a release, a time in ISO 8601, or a git revision")
  .argument("<after>", "the same")
  .option("--role <role>", "only this role; a host needs it")
  .option("--side-by-side", "in two columns, as wide as the terminal")
  .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
  .addOption(env)
  .addOption(json)
  .addHelpText("after", "\nExit codes: 0 nothing differs, 1 something does, 2 bad input.")
  .action(async (before, after, options) =>
    (await import("./entry/diff.ts")).diffCommand(before, after, options),
  );
program
  .command("drift")
  .description("how each live server differs from its release, asked over SSH and SSM")
  .argument("[role...]", "only these roles; else all of the environment")
  .option("--jobs <n>", "how many servers at a time", "8")
  .option("--timeout <duration>", "how long one server may take", "2m")
  .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
  .addOption(env)
  .addOption(json)
  .addHelpText(
    "after",
    "\nExit codes: 0 no server differs, 1 one does or could not be looked at, 2 bad input.",
  )
  .action(async (roles, options) => (await import("./entry/drift.ts")).driftCommand(roles, options));
program
  .command("verify-release")
  .description("read a release back from every region's bucket, and check signature, digests and content")
  .argument("[release]", "else the live one")
  .option("--restore", "put the intact earlier version of each damaged object back")
  .addOption(env)
  .addOption(json)
  .action(async (release, options) =>
    (await import("./entry/release.ts")).verifyReleaseCommand(release, options),
  );
program
  .command("thaw-release")
  .description("make a release that lies in a Glacier class readable again, and wait for it")
  .argument("<release>")
  .option("--region <region>", "only there; else in both regions")
  .addOption(env)
  .addOption(json)
  .action(async (release, options) => (await import("./entry/thaw.ts")).thawReleaseCommand(release, options));
program
  .command("clone")
  .description("bring the repository back from a region's bucket; needs credentials and nothing else")
  .argument("<bucket>", "such as rekindle-shop-123456789012-eu-central-1")
  .argument("[folder]", "a new one; else named like the bucket")
  .option("--region <region>", "the bucket's; else the one that its name ends with")
  .addOption(json)
  .action(async (bucket, folder, options) =>
    (await import("./entry/clone.ts")).cloneCommand(bucket, folder, options),
  );
const hook = program.command("hook").description("publish on commit");
hook
  .command("install")
  .description("publish after each commit; a hook that is there is kept, and called first")
  .addOption(env)
  .action(async (options) => (await import("./entry/hook.ts")).installHookCommand(options));
hook
  .command("uninstall")
  .description("take the hook away, and put back the one that was there before")
  .action(async () => (await import("./entry/hook.ts")).uninstallHookCommand());
const key = program.command("key").description("keys that sign releases");
key
  .command("new")
  .description("make an Ed25519 key, and trust it")
  .argument("<file>", "where its private half goes, outside of the repository")
  .action(async (file) => (await import("./entry/release.ts")).newKeyCommand(file));
key
  .command("trust")
  .description("write the public half of the key in use to configs/keys, for the next images")
  .addOption(env)
  .action(async (options) => (await import("./entry/release.ts")).trustKeyCommand(options));
program
  .command("bake")
  .description("make the golden images that a commit's roles need and no region lacks")
  .addOption(env)
  .addOption(commit)
  .addOption(json)
  .action(async (options) => (await entry()).bakeCommand(options));
program
  .command("snapshot")
  .description("take a recovery point of all data, made quiet and copied to every place that is to have it")
  .option("--allow-crash", "take it also of what can't be made quiet: as after a crash, and labelled so")
  .option("--wait [duration]", "wait for another run to end, an hour or as long as this; else leave")
  .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
  .addOption(env)
  .addOption(json)
  .action(async (options) => (await import("./entry/snapshot.ts")).snapshotCommand(options));
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
  .action(async (point, options) => (await import("./entry/points.ts")).pointsCommand(point, options));
program
  .command("copy")
  .description("finish the copies of recovery points that an interrupted or failed command has left")
  .argument(
    "[point]",
    "this one, looked at whole; else the newest, down to the first that a rebuild can take",
  )
  .option("--wait [duration]", "wait for other copies to end, an hour or as long as this; else leave")
  .addOption(env)
  .addOption(json)
  .action(async (point, options) => (await import("./entry/copies.ts")).copyCommand(point, options));
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
  .action(async (server, options) => (await import("./entry/copies.ts")).imageCommand(server, options));
program
  .command("dump")
  .description("dump the environment's database servers into every region's bucket, while they are in use")
  .argument("[name...]", "only these of the environment's dumps; else all")
  .option("--jobs <n>", "how many at a time: servers, databases and archives", "4")
  .addOption(site)
  .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
  .addOption(env)
  .addOption(json)
  .action(async (names, options) => (await import("./entry/dump.ts")).dumpCommand(names, options));
program
  .command("dumps")
  .description("list the dumps that a region's catalog knows, the newest first")
  .argument("[name]", "only those of this name")
  .option("--region <region>", "whose catalog; else the recovery region's")
  .addOption(env)
  .addOption(json)
  .action(async (name, options) => (await import("./entry/dump.ts")).dumpsCommand(name, options));
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
  .action(async (dump, options) => (await import("./entry/dump.ts")).verifyDumpCommand(dump, options));
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
  (await import("./entry/restore-dump.ts")).restoreDumpCommand(dump, options),
);
restoring(
  restore
    .command("database")
    .description("put the newest dump of a server, or one database of it, back into that server")
    .argument("<name>", "one of the environment's dumps")
    .addOption(new Option("--as-of <time>", "the newest dump of that moment, in ISO 8601").conflicts("dump"))
    .option("--dump <id>", "one dump")
    .addOption(site),
).action(async (name, options) =>
  (await import("./entry/restore-dump.ts")).restoreDatabaseCommand(name, options),
);
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
  .action(async (options) => (await entry()).planCommand(options));
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
    (await import("./entry/restore-database.ts")).restoreDatabaseCommand(database, options),
  );
restore
  .command("volume")
  .description("replace a running server's data by that of a recovery point, or look at that beside it")
  .argument("<server>", "such as db-0")
  .addOption(new Option("--as-of <time>", "the newest point of that moment, in ISO 8601").conflicts("point"))
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
    (await import("./entry/restore-volume.ts")).restoreVolumeCommand(server, options),
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
  .option("--dry-run", "show what would change, secrets masked, and change nothing")
  .option("--ssh-config <file>", "ssh's configuration; else REKINDLE_SSH_CONFIG, else ssh's own")
  .addOption(env)
  .addOption(json)
  .action(async (state, paths, options) =>
    (await import("./entry/restore-files.ts")).restoreFilesCommand(state, paths, options),
  );
program
  .command("prune")
  .description("what of recovery points, dumps and images stays or goes, and why; removes only with --remove")
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
  .action(async (options) => (await import("./entry/prune.ts")).pruneCommand(options));
const hold = program.command("hold").description("keep a recovery point or a dump from every prune");
hold
  .command("add")
  .description("keep a point until a moment")
  .argument("<point>")
  .requiredOption("--reason <text>", "why; it is kept with the hold")
  .requiredOption("--until <time>", "when it ends, in ISO 8601")
  .addOption(env)
  .addOption(json)
  .action(async (point, options) => (await import("./entry/hold.ts")).addHoldCommand(point, options));
hold
  .command("remove")
  .description("end a hold")
  .argument("<id>")
  .addOption(env)
  .addOption(json)
  .action(async (id, options) => (await import("./entry/hold.ts")).endHoldCommand(id, options));
hold
  .command("list")
  .description("every hold, of all regions")
  .addOption(env)
  .addOption(json)
  .action(async (options) => (await import("./entry/hold.ts")).listHoldsCommand(options));
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
  .action(async (id, options) => (await import("./entry/thaw.ts")).thawCommand(id, options));
program
  .command("check")
  .description("read everything that a recovery would need, in the region where it would be needed")
  .option("--region <region>", "where; else the recovery region")
  .option("--all", "every complete recovery point and dump, not only the newest and the pinned ones")
  .addOption(env)
  .addOption(json)
  .addHelpText("after", "\nExit codes: 0 all is there, 1 something is not, and is named.")
  .action(async (options) => (await import("./entry/check.ts")).checkCommand(options));
program
  .command("verify")
  .description("compare the rebuilt environment with its pinned plan")
  .addOption(env)
  .addOption(json)
  .action(async (options) => (await entry()).verifyCommand(options));
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
  .action(async (options) => (await import("./entry/status.ts")).statusCommand(options));
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
  .option("--record", "keep the outcome in the shell's AWS, where rekindle status finds it on every machine")
  .addOption(json)
  .action(async (options) => (await import("./entry/gameday.ts")).gamedayCommand(options));
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
  .action(async (role, options) => (await import("./entry/rehearse.ts")).rehearseCommand(role, options));
program
  .command("synth-input", { hidden: true })
  .description("write what the stacks are synthesized from; cdktf.json runs it")
  .addOption(env)
  .action(async (options) => (await entry()).synthInputCommand(options));
if (process.argv[2] === "sandbox")
  program.addCommand((await import("./entry/sandbox.ts")).sandboxCommands(program));
else
  program
    .command("sandbox")
    .description("AWS on this machine: start, stop, status, env, reset, cut, restore, fault, requests");

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
