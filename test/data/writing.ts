import { spawn } from "node:child_process";
import type { Connection } from "../../bootstrap/dump/connection.ts";
import { run } from "../../bootstrap/edges/process.ts";

/** Clients of a database on a socket of this machine, as its users start them. */

const bin = "for bin in $(ls -dv /usr/lib/postgresql/*/bin); do PATH=$bin:$PATH; done";

export async function psql({ host, user }: Connection, database: string, sql: string): Promise<string> {
  const words = [
    "--no-psqlrc",
    "-qtAX",
    "-v",
    "ON_ERROR_STOP=1",
    "-h",
    host!,
    "-p",
    "5432",
    "-U",
    user!,
    "-d",
    database,
  ];
  const script = `${bin}; exec psql "$@"`;
  const finished = await run("sh", ["-c", script, "sh", ...words], { input: sql });
  if (finished.ending.kind === "exited" && finished.ending.code === 0) return finished.stdout.trim();
  throw new Error(finished.stderr);
}

export async function mariadb({ host, user }: Connection, sql: string): Promise<string> {
  const words = ["--no-defaults", `--socket=${host}`, `--user=${user}`, "--batch", "--skip-column-names"];
  const finished = await run("mariadb", words, { input: sql });
  if (finished.ending.kind === "exited" && finished.ending.code === 0) return finished.stdout.trim();
  throw new Error(finished.stderr);
}

/** Writes until it is told to stop. Gives what stops it, and waits for it. */
function untilStopped(command: string, args: string[], input: string): () => Promise<void> {
  const child = spawn(command, args, { stdio: ["pipe", "ignore", "ignore"], detached: true });
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return async () => {
    process.kill(-child.pid!, "SIGKILL");
    await ended;
  };
}

/** Four clients that commit rows, one a transaction, as fast as the server takes them. */
export function writePostgres(
  { host, user }: Connection,
  database: string,
  statement: string,
): () => Promise<void> {
  // What Node gives it to read is a socket, which no program can open as a file.
  const script = `${bin}; cat | pgbench -n -c 4 -j 1 -T 600 -f /dev/stdin -h "$1" -p 5432 -U "$2" "$3"`;
  return untilStopped("sh", ["-c", script, "sh", host!, user!, database], statement);
}

/** One client that calls a procedure which commits rows without end. */
export function writeMariadb({ host, user }: Connection, call: string): () => Promise<void> {
  return untilStopped("mariadb", ["--no-defaults", `--socket=${host}`, `--user=${user}`], call);
}
