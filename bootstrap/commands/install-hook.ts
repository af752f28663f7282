import type { HooksFolder } from "../edges/git-hook.ts";
import { RekindleError } from "../errors.ts";
import { chainedName, isOurs, type PostCommit, postCommitScript } from "../history/post-commit.ts";

const hook = "post-commit";

/** Publishes every commit from now on. A hook that is there is kept aside and called first; twice changes nothing. */
export async function installHook(
  hooks: HooksFolder,
  what: PostCommit,
): Promise<"installed" | "updated" | "unchanged"> {
  const script = postCommitScript(what);
  const found = await hooks.read(hook);
  if (found === script) return "unchanged";
  if (found !== undefined && isOurs(found)) {
    await hooks.write(hook, script);
    return "updated";
  }
  if (found !== undefined) {
    await refuseTaken(hooks);
    await hooks.move(hook, chainedName);
  }
  await hooks.write(hook, script);
  return "installed";
}

/** Puts back what was there before. Someone else's hook is left alone. */
export async function uninstallHook(hooks: HooksFolder): Promise<"uninstalled" | "unchanged"> {
  const found = await hooks.read(hook);
  if (found !== undefined && !isOurs(found)) return "unchanged";
  if ((await hooks.read(chainedName)) !== undefined) {
    await hooks.move(chainedName, hook);
    return "uninstalled";
  }
  if (found === undefined) return "unchanged";
  await hooks.remove(hook);
  return "uninstalled";
}

/** Two hooks to keep and one place: which of them is the user's is not for us to guess. */
async function refuseTaken(hooks: HooksFolder): Promise<void> {
  if ((await hooks.read(chainedName)) === undefined) return;
  throw new RekindleError(
    "refused",
    `${hooks.path} holds both ${hook}, which is not Rekindle's, and ${chainedName}, which an earlier installation kept; ` +
      "nothing was changed; make one of the two, then run again",
  );
}
