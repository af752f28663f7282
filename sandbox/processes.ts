import { readFile } from "node:fs/promises";
import { run, succeeded } from "../bootstrap/edges/process.ts";

/** The command line of a running process, or undefined when there is no such process any more. */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined;
  try {
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
    // A process that has ended and was not yet waited for has no words left.
    return words.join(" ").trim() || undefined;
  } catch {
    // Not Linux, or it ended just now: ps tells which.
  }
  const listed = await run("ps", ["-o", "args=", "-p", String(pid)]);
  return succeeded(listed) ? listed.stdout.trim() || undefined : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Someone else's process is a process.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
