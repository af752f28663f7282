import type { Command } from "commander";
import { commit, each, env, json } from "./options.ts";

/** From live servers to git, and from git to releases. */
export function addConfigurationCommands(program: Command): void {
  program.commandsGroup("Configuration:");
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
    .action(async (roles, options) => (await import("../entry/collect.ts")).collectCommand(roles, options));
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
    .action(async (options) => (await import("../entry/collect.ts")).pushConfigCommand(options));
  program
    .command("publish")
    .description(
      "pack a commit's configuration into a release in every region, and point the environment to it",
    )
    .addOption(env)
    .addOption(commit)
    .addOption(json)
    .action(async (options) => (await import("../entry/publish.ts")).publishCommand(options));
  program
    .command("rollback")
    .description("point the environment to an earlier release, which is in every region already")
    .argument("[release]", "else the one that was live before the current one was published")
    .option("--reason <text>", "why; it is kept in the history, and there is no rollback without one")
    .addOption(env)
    .addOption(json)
    .action(async (release, options) =>
      (await import("../entry/history.ts")).rollbackCommand(release, options),
    );
  program
    .command("log")
    .description("who made which release live, when and why, and where it runs now")
    .addOption(env)
    .addOption(json)
    .action(async (options) => (await import("../entry/history.ts")).logCommand(options));
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
      (await import("../entry/diff.ts")).diffCommand(before, after, options),
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
    .action(async (roles, options) => (await import("../entry/drift.ts")).driftCommand(roles, options));
  program
    .command("verify-release")
    .description("read a release back from every region's bucket, and check signature, digests and content")
    .argument("[release]", "else the live one")
    .option("--restore", "put the intact earlier version of each damaged object back")
    .addOption(env)
    .addOption(json)
    .action(async (release, options) =>
      (await import("../entry/release.ts")).verifyReleaseCommand(release, options),
    );
  program
    .command("thaw-release")
    .description("make a release that lies in a Glacier class readable again, and wait for it")
    .argument("<release>")
    .option("--region <region>", "only there; else in both regions")
    .addOption(env)
    .addOption(json)
    .action(async (release, options) =>
      (await import("../entry/thaw.ts")).thawReleaseCommand(release, options),
    );
  program
    .command("clone")
    .description("bring the repository back from a region's bucket; needs credentials and nothing else")
    .argument("<bucket>", "such as rekindle-shop-123456789012-eu-central-1")
    .argument("[folder]", "a new one; else named like the bucket")
    .option("--region <region>", "the bucket's; else the one that its name ends with")
    .addOption(json)
    .action(async (bucket, folder, options) =>
      (await import("../entry/clone.ts")).cloneCommand(bucket, folder, options),
    );
  const hook = program.command("hook").description("publish on commit");
  hook
    .command("install")
    .description("publish after each commit; a hook that is there is kept, and called first")
    .addOption(env)
    .action(async (options) => (await import("../entry/hook.ts")).installHookCommand(options));
  hook
    .command("uninstall")
    .description("take the hook away, and put back the one that was there before")
    .action(async () => (await import("../entry/hook.ts")).uninstallHookCommand());
  const key = program.command("key").description("keys that sign releases");
  key
    .command("new")
    .description("make an Ed25519 key, and trust it")
    .argument("<file>", "where its private half goes, outside of the repository")
    .action(async (file) => (await import("../entry/release.ts")).newKeyCommand(file));
  key
    .command("trust")
    .description("write the public half of the key in use to configs/keys, for the next images")
    .addOption(env)
    .action(async (options) => (await import("../entry/release.ts")).trustKeyCommand(options));
}
