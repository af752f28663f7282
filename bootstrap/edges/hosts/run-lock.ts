import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { RekindleError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { run } from "../process.ts";

const pauseMs = 500;

/**
 * Takes the lock that lets one run at a time work on a project. Waits for another run up to the given time, or leaves
 * at once. A lock whose process is gone is taken over. Gives what releases it.
 */
export async function takeRunLock(
  path: string,
  {
    waitMs,
    clock,
    signal,
    print,
  }: { waitMs: number; clock: Clock; signal: AbortSignal; print(line: string): void },
): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const own = `${process.pid} ${await startOf(process.pid)}`;
  const since = clock.monotonic();
  for (let told = false; ; ) {
    if (await create(path, own)) return () => release(path, own);
    const content = await readFile(path, "utf8").catch(() => undefined);
    if (content === undefined) continue;
    const [number = "", ...start] = content.split(" ");
    const pid = Number(number);
    if (!(await isLive(pid, start.join(" ")))) {
      await removeStale(path, content);
      continue;
    }
    if (clock.monotonic() - since >= waitMs || signal.aborted) throw anotherRun(pid, waitMs);
    if (!told) print(`waiting for another run (process ${pid})`);
    told = true;
    await clock.sleep(pauseMs);
  }
}

function anotherRun(pid: number, waitMs: number): RekindleError {
  const next = waitMs === 0 ? "leave it to that one, or wait for it with --wait" : "look what holds it up";
  return new RekindleError("refused", `another run (process ${pid}) is collecting in this project; ${next}`);
}

/** Whether the process that wrote a lock, or its name elsewhere, still runs: its number alone may belong to another one by now. */
export async function isLive(pid: number, start: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const now = await startOf(pid);
  return now === "" || start === "" || now === start;
}

/** When a process began; a zombie's is told as one that nobody has, and empty means that there is no ps to ask. */
export async function startOf(pid: number): Promise<string> {
  const options = { env: { ...process.env, LC_ALL: "C" } };
  const { stdout } = await run("ps", ["-o", "stat=,lstart=", "-p", String(pid)], options);
  const [state = "", ...start] = stdout.trim().split(/\s+/);
  return state.startsWith("Z") ? "ended" : start.join(" ");
}

/** A link, not an exclusive open: whoever sees the lock also sees what is in it. */
async function create(path: string, content: string): Promise<boolean> {
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, content);
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function release(path: string, own: string): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => undefined)) === own) await rm(path, { force: true });
}

/** Moves it aside before looking again: two that found the same stale lock must not remove each other's new one. */
async function removeStale(path: string, content: string): Promise<void> {
  const aside = `${path}.${process.pid}.stale`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, "utf8")) !== content) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}
