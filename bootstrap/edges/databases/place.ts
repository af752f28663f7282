import { once } from "node:events";
import { HostFailure, recognise } from "../../collect/failure.ts";
import type { Connection } from "../../dump/connection.ts";
import { RekindleError } from "../../errors.ts";
import { sshArguments } from "../hosts/ssh.ts";
import { describeEnding, type Ending, type Started, start } from "../process.ts";

/** What every client program is started with. */
export interface ClientOptions {
  signal: AbortSignal;
  sshConfig?: string | undefined;
}

/** The line after which everything belongs to the program: a login may print words of its own. */
const mark = "rekindle begins here\n";

/**
 * Starts a client program of a database, here or where ssh leads. `script` is a shell's; it goes over standard input, so
 * that no secret is on a command line, and ends by becoming the program. From then on input and output are the program's.
 */
export async function startClient(
  { ssh }: Pick<Connection, "ssh">,
  script: { before: string; program: string },
  { signal, sshConfig }: ClientOptions,
): Promise<Started> {
  const program =
    ssh === undefined
      ? start("sh", ["-s"], { signal })
      : start("ssh", sshArguments(ssh, sshConfig), { signal });
  program.stdin.write(`${script.before}\nprintf '${mark.replace("\n", "\\n")}'\n${script.program}\n`);
  if (await reached(program)) return program;
  const ending = await program.ended;
  if (signal.aborted) throw stopped();
  if (ssh === undefined) throw clientFailure("a database's client program", program, ending);
  const failure = recognise(program.stderr(), `ssh ${describeEnding(ending)}`);
  throw new HostFailure(failure.kind, `${ssh}: ${failure.message}`, { cause: failure });
}

/** Reads up to the mark, and leaves the rest. */
async function reached({ stdout }: Started): Promise<boolean> {
  let seen = Buffer.alloc(0);
  for (;;) {
    const chunk = stdout.read() as Buffer | null;
    if (chunk !== null) {
      seen = Buffer.concat([seen, chunk]);
      const at = seen.indexOf(mark);
      if (at === -1) continue;
      const rest = seen.subarray(at + mark.length);
      if (rest.length > 0) stdout.unshift(rest);
      return true;
    }
    if (stdout.readableEnded || stdout.destroyed) return false;
    await Promise.race([once(stdout, "readable"), once(stdout, "close")]);
  }
}

/** What a client program wrote, as it comes. Ends well only when the program did. */
export async function* outputOf(what: string, program: Started, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of program.stdout) yield chunk as Buffer;
  await demandSuccess(what, program, signal);
}

/** Waits for a program's end, and raises its own words when it failed. */
export async function demandSuccess(what: string, program: Started, signal: AbortSignal): Promise<void> {
  const ending = await program.ended;
  if (signal.aborted) throw stopped();
  if (ending.kind !== "exited" || ending.code !== 0) throw clientFailure(what, program, ending);
}

export function stopped(): RekindleError {
  return new RekindleError("tool-failed", "stopped before it was done");
}

export function clientFailure(what: string, program: Started, ending: Ending): RekindleError {
  const said = program
    .stderr()
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
  if (ending.kind === "exited" && ending.code === 127)
    return new RekindleError("missing-tool", `${what}: ${said.at(-1) ?? "a program is not there"}`);
  // The first line that names an error is its cause; what comes after it, its consequence, or the server's own words.
  const why = said.find((line) => /error|fatal/i.test(line)) ?? said.at(-1) ?? "it said nothing";
  const server = /Error message from server: (.*)/.exec(program.stderr())?.[1] ?? "";
  return new RekindleError("tool-failed", `${what} ${describeEnding(ending)}: ${why} ${server}`.trimEnd(), {
    details: said.slice(-10),
  });
}
