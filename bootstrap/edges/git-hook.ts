import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gitIn } from "./git-process.ts";

/** The folder in which git looks for a repository's hooks. */
export interface HooksFolder {
  path: string;
  /** A hook's text; nothing when there is none. */
  read(name: string): Promise<string | undefined>;
  /** Whole or not at all, for git may run it at any moment. */
  write(name: string, script: string): Promise<void>;
  /** A hook as it is: its mode, or a link that it is. */
  move(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Where core.hooksPath leads, or else the repository's own folder; and the project's place in the repository. */
export async function hooksOf(project: string): Promise<{ hooks: HooksFolder; prefix: string }> {
  const prefix = await gitIn(project).must(["rev-parse", "--show-prefix"]);
  // Git takes a relative core.hooksPath from the top of the work tree, where it runs hooks.
  const top = await gitIn(project).must(["rev-parse", "--show-toplevel"]);
  const path = resolve(top, await gitIn(top).must(["rev-parse", "--git-path", "hooks"]));
  const at = (name: string) => join(path, name);
  const hooks: HooksFolder = {
    path,
    async read(name) {
      try {
        return await readFile(at(name), "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    async write(name, script) {
      await mkdir(path, { recursive: true });
      const draft = at(`.${name}.${process.pid}`);
      await writeFile(draft, script);
      await chmod(draft, 0o755);
      await rename(draft, at(name));
    },
    move: (from, to) => rename(at(from), at(to)),
    remove: (name) => rm(at(name)),
  };
  return { hooks, prefix };
}
