import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, succeeded } from "./process.ts";

/** What cloud-init itself says of user-data: nothing, its complaints, or that it is not on this machine. */
export type SchemaAnswer =
  | { kind: "valid" }
  | { kind: "invalid"; complaints: string[] }
  | { kind: "not-installed" };

/** Asks `cloud-init schema`. It misses unknown top-level keys, and says so of itself only in its documentation. */
export async function askCloudInit(userData: string): Promise<SchemaAnswer> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-user-data-"));
  try {
    const path = join(folder, "user-data.yaml");
    await writeFile(path, userData);
    const finished = await run("cloud-init", ["schema", "--config-file", path], { timeoutMs: 30_000 });
    if (finished.ending.kind === "not-started") return { kind: "not-installed" };
    if (succeeded(finished)) return { kind: "valid" };
    const text = `${finished.stdout}\n${finished.stderr}`.replaceAll(path, "user-data");
    return {
      kind: "invalid",
      complaints: text
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== ""),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
