import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { type Finished, type RunOptions, run } from "../process.ts";

/**
 * Runs a program that outlives this one: it writes to files, which are followed here. On a pipe it would be killed by
 * its first line after this program was, and Terraform would take its unwritten state and its lock with it.
 */
export async function runOutliving(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Finished> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-run-"));
  const [out, err] = [join(folder, "out"), join(folder, "err")];
  await (await open(out, "w")).close();
  const follower = await follow(out, options.onLine ?? (() => undefined));
  try {
    const { onLine: _, ...rest } = options;
    // HUP: a closed terminal must not end it either. `exec`: the shell becomes the program, so signals reach that.
    const script = 'trap "" HUP; out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err"';
    const { ending, stderr } = await run("/bin/sh", ["-c", script, "sh", out, err, command, ...args], rest);
    await follower.finish();
    if (ending.kind === "exited" && (ending.code === 127 || ending.code === 126)) {
      const said = `${stderr}${await readText(err)}`.trim();
      return {
        ending: { kind: "not-started", reason: said || `the shell exited with ${ending.code}` },
        stdout: "",
        stderr: said,
      };
    }
    return { ending, stdout: await readText(out), stderr: `${stderr}${await readText(err)}` };
  } finally {
    await follower.finish();
    await rm(folder, { recursive: true, force: true });
  }
}

const pauseMs = 100;

/** Gives each line once, as it is written. */
async function follow(path: string, onLine: (line: string) => void): Promise<{ finish(): Promise<void> }> {
  const file = await open(path, "r");
  const decoder = new StringDecoder("utf8");
  const buffer = Buffer.alloc(64 * 1024);
  let partial = "";
  let ended = false;

  async function readOn(): Promise<void> {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      const lines = (partial + decoder.write(buffer.subarray(0, bytesRead))).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    }
  }

  // One read after the other: two at once would tear lines.
  let reading: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    reading = reading.then(readOn);
  }, pauseMs);
  return {
    async finish() {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      await reading.then(readOn);
      if (partial !== "") onLine(partial);
      await file.close();
    },
  };
}

async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
