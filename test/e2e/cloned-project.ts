import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { type Finished, run } from "../../bootstrap/edges/process.ts";

/** What a user types, in a clone with a sandbox of its own, whose shell evaluated `rekindle sandbox env`. */
export function clonedProject(prepare: (clone: string) => Promise<void> = async () => undefined) {
  let clone = "";
  const shell = (line: string): Promise<Finished> =>
    run("bash", ["-c", `set -euo pipefail; eval "$(npx rekindle sandbox env)"; ${line}`], { cwd: clone });

  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), "rekindle-clone-"));
    await run("git", ["clone", "--quiet", process.cwd(), clone]);
    await run("ln", ["-s", join(process.cwd(), "node_modules"), join(clone, "node_modules")]);
    await prepare(clone);
    await run("npm", ["run", "build"], { cwd: clone });
  });
  afterAll(async () => {
    await run("npx", ["rekindle", "sandbox", "stop"], { cwd: clone });
    await rm(clone, { recursive: true, force: true });
  });

  return {
    folder: () => clone,
    shell,
    /** What it wrote to standard output; anything but a good end fails the test. */
    async mustRun(line: string): Promise<string> {
      const finished = await shell(line);
      expect(finished.ending, `${line}\n${finished.stdout}\n${finished.stderr}`).toEqual({
        kind: "exited",
        code: 0,
      });
      return finished.stdout;
    },
  };
}
