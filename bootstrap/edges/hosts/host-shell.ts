import type { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { HostFailure, recognise } from "../../collect/failure.ts";
import type { AwsAccess } from "../aws/access.ts";
import { quote } from "./gather-script.ts";
import { gatherBy, type Patience } from "./source.ts";
import { sshArguments } from "./ssh.ts";
import { type CommandPatience, ssmCommand } from "./ssm-command.ts";

/** What a script printed on a live server, and the code that it exited with. */
export interface Answered {
  code: number;
  stdout: string;
  /** The last line of it, when the code says that the script failed: 1 may be an answer, as of `cmp`. */
  stderr: string;
}

/**
 * A shell on a live server, as root where that needs no password. What it ran has ended, and its answer is whole; for
 * everything else it raises a HostFailure that says why. One that fails is run twice: it changes nothing, or knows itself
 * again.
 */
export type HostShell = (script: string) => Promise<Answered>;

export function sshShell(host: string, patience: Patience & { sshConfig?: string | undefined }): HostShell {
  return shellBy("ssh", sshArguments(host, patience.sshConfig), patience);
}

/** Any program that reads a script from its standard input and has a shell run it. */
export function shellBy(command: string, args: readonly string[], patience: Patience): HostShell {
  return async (script) => {
    let answer = "";
    await gatherBy(command, args, answering(script), patience, async (output) => {
      answer = await textOf(output);
    });
    return readAnswer(answer, "its answer was cut short; run again");
  };
}

export function ssmShell(
  instance: string,
  region: string,
  access: AwsAccess,
  patience: CommandPatience,
): HostShell {
  const command = ssmCommand(instance, region, access, patience);
  return async (script) => {
    const { Status, StandardOutputContent, StandardErrorContent } = await command(
      "rekindle",
      answering(script),
    );
    if (Status !== "Success") throw recognise(StandardErrorContent ?? "", `its command ended as ${Status}`);
    return readAnswer(
      StandardOutputContent ?? "",
      "its answer is cut short or longer than the 24,000 characters that SSM carries; ask it over ssh",
    );
  };
}

/**
 * Runs a script as root, and writes nothing to the server's disk. The answer is packed, since SSM carries little. It
 * begins with a word, since a login may print its own, and ends with one, since lines break. A script that failed is run once more, for its words.
 */
function answering(script: string): string {
  return `elevate=
if [ "$(id -u)" -ne 0 ] && sudo -n true 2>/dev/null; then elevate='sudo -n env LC_ALL=C'; fi
script=${quote(script)}
answer=$($elevate sh -c "$script" 2>/dev/null </dev/null)
code=$?
if [ "$code" -gt 1 ]; then answer=$($elevate sh -c "$script" 2>&1 >/dev/null </dev/null | tail -n 1); fi
echo begin
printf '%s' "$answer" | gzip -c | base64
echo "end $code"
`;
}

function readAnswer(text: string, cutShort: string): Answered {
  const [, packed, ended] = /(?:^|\n)begin\n([\w+/=\n]*)\nend (\d+)\s*$/.exec(text) ?? [];
  if (packed === undefined) throw new HostFailure("cut-short", cutShort);
  const answer = unpack(packed);
  const code = Number(ended);
  return code > 1 ? { code, stdout: "", stderr: answer } : { code, stdout: answer, stderr: "" };
}

function unpack(packed: string): string {
  try {
    return gunzipSync(Buffer.from(packed, "base64")).toString();
  } catch (cause) {
    const message = `its answer is damaged (${(cause as Error).message}); run again`;
    throw new HostFailure("failed", message, { cause });
  }
}

async function textOf(output: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of output) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}
