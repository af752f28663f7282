/**
 * The entry point. Loads nothing but the command line itself: every command imports what it needs when it runs,
 * so that `rekindle --help` answers as fast as Node starts.
 */
import { Command } from "commander";
import metadata from "../package.json" with { type: "json" };
import { addConfigurationCommands } from "./command-line/configuration.ts";
import { addDataCommands } from "./command-line/data.ts";
import { addRecoverCommands } from "./command-line/recover.ts";
import { addRehearsalCommands } from "./command-line/rehearsals.ts";
import { addRestoreCommands } from "./command-line/restore.ts";
import { addSetupCommands } from "./command-line/setup.ts";
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

addRecoverCommands(program);
addRestoreCommands(program);
addConfigurationCommands(program);
addDataCommands(program);
addSetupCommands(program);
addRehearsalCommands(program);
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
