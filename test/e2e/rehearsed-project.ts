import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Finished, run } from "../../bootstrap/edges/process.ts";

/** A project that a test may edit, with a sandbox of its own and this one's caches: an engineer's work tree. */
export interface RehearsedProject {
  folder: string;
  rekindle(words: readonly string[], input?: string): Promise<Finished>;
  /** Replaces a text that is there; gives what undoes it. */
  edit(path: string, from: string, to: string): Promise<() => Promise<void>>;
  remove(): Promise<void>;
}

const signingKey = "sandbox-signing-key.pem";

export async function rehearsedProject(): Promise<RehearsedProject> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-rehearse-"));
  const state = join(folder, ".rekindle");
  await mkdir(state);
  for (const part of ["cdktf.json", "configs", "cloud-init"])
    await cp(part, join(folder, part), { recursive: true });
  for (const cache of ["bases", "images", "packages"]) {
    await mkdir(resolve(".rekindle", cache), { recursive: true });
    await symlink(resolve(".rekindle", cache), join(state, cache));
  }
  // Images carry the key's public half: with another one they would all be baked again.
  const key = resolve(".rekindle", signingKey);
  if (existsSync(key)) await copyFile(key, join(state, signingKey));
  return {
    folder,
    rekindle: (words, input) =>
      run(process.execPath, [resolve("bin/rekindle.js"), ...words], {
        cwd: folder,
        ...(input === undefined ? {} : { input }),
      }),
    async edit(path, from, to) {
      const file = join(folder, path);
      const before = await readFile(file, "utf8");
      if (!before.includes(from)) throw new Error(`${path} has no ${JSON.stringify(from)}`);
      await writeFile(file, before.replace(from, to));
      return () => writeFile(file, before);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
