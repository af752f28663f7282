import { hostname, userInfo } from "node:os";
import { run, succeeded } from "../process.ts";

/** A state's lock as Terraform describes it. */
export interface Lock {
  id: string;
  who: string;
  created: string;
  operation: string;
}

/** The lock in a message of Terraform's; undefined when the message tells none. */
export function lockIn(text: string): Lock | undefined {
  const field = (name: string) => new RegExp(`^\\s*${name}:\\s*(\\S.*?)\\s*$`, "m").exec(text)?.[1];
  const id = field("ID");
  if (id === undefined) return undefined;
  return {
    id,
    who: field("Who") ?? "someone unknown",
    created: field("Created") ?? "an unknown time",
    operation: field("Operation") ?? "unknown operation",
  };
}

/**
 * Removes the lock that a Terraform left which was killed just now, as the caller saw. A lock of anyone else stays.
 * Gives the lock that was removed.
 */
export async function releaseLockOfTheDead(
  binary: string,
  dir: string,
  env: NodeJS.ProcessEnv,
): Promise<Lock | undefined> {
  // Terraform has no question for a lock; but it tells the lock when it is asked to remove another one.
  const unlock = (id: string) =>
    run(binary, ["force-unlock", "-force", "-no-color", id], { cwd: dir, env, timeoutMs: 30_000 });
  const asked = await unlock("none");
  const lock = lockIn(asked.stdout + asked.stderr);
  if (lock === undefined || lock.who !== ourselves()) return undefined;
  return succeeded(await unlock(lock.id)) ? lock : undefined;
}

/** `user@host`, as Terraform signs its locks. */
function ourselves(): string {
  return `${userInfo().username}@${hostname()}`;
}
