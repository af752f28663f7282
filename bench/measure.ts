import { run } from "../bootstrap/edges/process.ts";

/** What one run of a command cost. */
export interface Cost {
  seconds: number;
  /** Peak resident memory of the command and its children, the largest of them, in MiB. */
  peakMiB: number;
}

/** Counts a child's time and memory where neither the shell nor Node does it alike on every machine. */
const probe = `
import json, os, resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
seconds = time.monotonic() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peakMiB": peak}))
sys.exit(code)
`;

/** Runs a command once, and fails when it fails: a tool that did not do its work is not fast. */
export async function measure(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Cost> {
  const finished = await run("python3", ["-c", probe, ...command], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  if (finished.ending.kind !== "exited" || finished.ending.code !== 0)
    throw new Error(`${command.join(" ")} failed:\n${finished.stderr}`);
  return JSON.parse(finished.stdout) as Cost;
}

/** The median of some runs, by time. */
export async function median(times: number, once: () => Promise<Cost>): Promise<Cost> {
  const costs: Cost[] = [];
  for (let count = 0; count < times; count++) costs.push(await once());
  return costs.sort((a, b) => a.seconds - b.seconds)[times >> 1]!;
}
