import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { gitIn } from "../../bootstrap/edges/git-process.ts";

/** A folder that ends with the test. */
export async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-history-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A real repository on branch `trunk`, whose commits change one file. */
export async function aRepository() {
  const root = join(await aFolder(), "origin");
  await gitIn(tmpdir()).must(["init", "--quiet", "--initial-branch=trunk", root]);
  const git = gitIn(root);
  await git.must(["config", "user.name", "Test"]);
  await git.must(["config", "user.email", "test@example.com"]);
  const commit = async (text: string) => {
    await writeFile(join(root, "file"), text);
    await git.must(["add", "file"]);
    await git.must(["commit", "--quiet", "--message", text]);
    return git.must(["rev-parse", "HEAD"]);
  };
  return { root, git, commit };
}
