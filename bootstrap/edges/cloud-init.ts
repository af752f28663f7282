import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RekindleError } from "../errors.ts";
import { describeEnding, type Finished, run } from "./process.ts";

/** One thing that cloud-init has against user-data; `keys` lead to it, and are empty when it names no place. */
export interface Complaint {
  keys: readonly (string | number)[];
  message: string;
}

/** What cloud-init itself says of user-data: nothing, its complaints, or that it is not on this machine. */
export type SchemaAnswer =
  | { kind: "valid" }
  | { kind: "invalid"; complaints: Complaint[] }
  | { kind: "not-installed" };

/** Asks `cloud-init schema`. Older ones (22.4 for one) take unknown top-level keys without a word. */
export async function askCloudInit(userData: string): Promise<SchemaAnswer> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-user-data-"));
  try {
    const path = join(folder, "user-data.yaml");
    await writeFile(path, userData);
    const finished = await run("cloud-init", ["schema", "--config-file", path], { timeoutMs: 30_000 });
    return answer(finished, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function answer(finished: Finished, path: string): SchemaAnswer {
  const { ending, stdout, stderr } = finished;
  if (ending.kind === "not-started") return { kind: "not-installed" };
  const text = `${stdout}\n${stderr}`.replaceAll(path, "user-data");
  if (ending.kind === "exited" && ending.code === 0) return { kind: "valid" };
  if (ending.kind === "exited" && ending.code === 1)
    return { kind: "invalid", complaints: readComplaints(text) };
  throw new RekindleError(
    "tool-failed",
    `cloud-init schema ${describeEnding(ending)}; run it by hand to see why`,
    {
      details: text.split("\n").filter((line) => line.trim() !== ""),
    },
  );
}

/** Reads `Cloud config schema errors: runcmd.0: 5 is not …, write_files.0: …`. */
export function readComplaints(text: string): Complaint[] {
  const said = /schema errors:\s*([\s\S]*)/i.exec(text)?.[1] ?? text;
  const lines = said.split("\n").map((line) => line.trim());
  // Newer ones close with a line of their own about the file, which says nothing new.
  const errors = lines.filter((line) => line !== "" && !/^(Error:|Invalid )/.test(line)).join(" ");
  const complaints = errors.split(/, (?=[\w.-]+: )/).map((complaint): Complaint => {
    const [, path, message] = /^([\w-]+(?:\.[\w-]+)*): (.*)$/.exec(complaint) ?? [];
    // `format-l2.c4` is a place in the text, which the check of the YAML itself has given already.
    if (path === undefined || message === undefined || path.startsWith("format-"))
      return { keys: [], message: complaint };
    const keys = path.split(".").map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    return { keys, message };
  });
  return [...new Map(complaints.map((one) => [JSON.stringify(one), one])).values()];
}
