import { type Finished, type RunOptions, run } from "../process.ts";

/**
 * Runs a program that ends with this one, and all that it started with it, even when this one is killed by SIGKILL: for
 * a Terraform whose AWS ends with this program too, and which would go on asking an AWS that is gone for minutes.
 */
export async function runTethered(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Finished> {
  const words = ["-c", tether, "sh", command, ...args];
  const finished = await run("/bin/sh", words, { ...options, lifeline: true });
  const { ending, stderr } = finished;
  // What a shell says of a program that is not there, or is none.
  if (ending.kind !== "exited" || (ending.code !== 127 && ending.code !== 126)) return finished;
  const reason = stderr.trim() || `the shell exited with ${ending.code}`;
  return { ...finished, ending: { kind: "not-started", reason } };
}

/**
 * Leads a process group of its own and holds a pipe that only this program holds at its other end. A stop is passed on
 * to the program; the shell ends as the program did, by the same signal if by one.
 */
const tether = `
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
trap 'kill -TERM "$program"' TERM
( read -r _ <&3; kill -KILL 0 ) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
while :; do
  wait "$program"
  code=$?
  kill -0 "$program" 2>/dev/null || break
done
kill -KILL "$watcher" 2>/dev/null
trap - TERM
[ "$code" -gt 128 ] && kill -"$((code - 128))" "$$"
exit "$code"
`;
