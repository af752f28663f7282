import { RekindleError } from "../errors.ts";
import { describeEnding, type Finished, run, succeeded } from "./process.ts";

/** Git in one folder, for what simple-git has no call for. */
export interface GitIn {
  /** Its standard output, or the reason why it failed as an error that names the folder. */
  must(args: readonly string[], input?: string): Promise<string>;
  try(args: readonly string[], input?: string): Promise<Finished>;
}

export function gitIn(folder: string): GitIn {
  const attempt = (args: readonly string[], input?: string) =>
    run("git", args, { cwd: folder, env: ownEnvironment(), ...(input === undefined ? {} : { input }) });
  return {
    try: attempt,
    async must(args, input) {
      const finished = await attempt(args, input);
      if (succeeded(finished)) return finished.stdout.trim();
      throw new RekindleError(
        "tool-failed",
        `git ${args[0]} in ${folder} ${describeEnding(finished.ending)}; look at what it said, and at \`git fsck\``,
        { details: said(finished) },
      );
    },
  };
}

/** What git said about a failure, a line each. */
export function said({ stderr }: Finished): string[] {
  return stderr.split("\n").filter((line) => line !== "");
}

/** A hook runs with its repository in the environment, which would lead every git of ours back to that one. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !ofOneRepository.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" };
}

const ofOneRepository =
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|NAMESPACE|SHALLOW_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|QUARANTINE_PATH|CONFIG(_PARAMETERS|_COUNT)?|REPLACE_REF_BASE|GRAFT_FILE)$/;
