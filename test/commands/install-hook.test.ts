import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { installHook, uninstallHook } from "../../bootstrap/commands/install-hook.ts";
import { hooksOf } from "../../bootstrap/edges/git-hook.ts";
import { aRepository } from "../edges/a-repository.ts";

/** A repository with a project in it, and a program that notes how it was called in place of `rekindle`. */
async function aProject({ exit = 0, below = "" } = {}) {
  const repository = await aRepository();
  const { root, git } = repository;
  const notes = join(root, ".git", "notes");
  const program = join(root, ".git", "it's rekindle");
  await writeFile(
    program,
    `#!/bin/sh\necho "rekindle $* in $PWD at $(git log -1 --format=%s) index \${GIT_INDEX_FILE-none}" >>'${notes}'\nexit ${exit}\n`,
  );
  await chmod(program, 0o755);
  await mkdir(join(root, below), { recursive: true });
  await writeFile(join(root, below, "cdktf.json"), "{}");
  const { hooks, prefix } = await hooksOf(join(root, below));
  const what = { program: [program], prefix };
  const published = async () => (await readFile(notes, "utf8").catch(() => "")).split("\n").filter(Boolean);
  const place = async (name: string, script: string) => {
    await mkdir(hooks.path, { recursive: true });
    await writeFile(join(hooks.path, name), script);
    await chmod(join(hooks.path, name), 0o755);
  };
  return { ...repository, hooks, what, notes, published, place, git };
}

describe("the hook that publishes on commit", () => {
  it("publishes each commit, from the project's folder and without the commit's own variables", async () => {
    const { root, hooks, what, commit, published } = await aProject({ below: "infra/a b" });
    expect(await installHook(hooks, { ...what, environment: "shop" })).toBe("installed");
    await commit("one");
    await commit("two");
    const line = `rekindle publish --commit HEAD --env shop in ${root}/infra/a b at`;
    expect(await published()).toEqual([`${line} one index none`, `${line} two index none`]);
  });

  it("never fails a commit, and says what to do", async () => {
    const { hooks, what, commit, git } = await aProject({ exit: 6 });
    await installHook(hooks, what);
    await commit("one");
    const finished = await git.try(["commit", "--allow-empty", "--quiet", "--message", "two"]);
    expect(finished.ending).toEqual({ kind: "exited", code: 0 });
    expect(finished.stderr).toContain("the commit stands, but is not published");
  });

  it("keeps an existing hook, calls it first, and puts it back", async () => {
    const { hooks, what, commit, published, place, notes } = await aProject();
    const mine = `#!/bin/sh\necho mine >>'${notes}'\nexit 3\n`;
    await place("post-commit", mine);
    await installHook(hooks, what);
    await commit("one");
    expect(await published()).toEqual(["mine", expect.stringContaining("rekindle publish")]);
    expect(await uninstallHook(hooks)).toBe("uninstalled");
    expect(await hooks.read("post-commit")).toBe(mine);
    expect(await hooks.read("post-commit.before-rekindle")).toBeUndefined();
    await commit("two");
    expect(await published()).toHaveLength(3);
  });

  it("changes nothing when it is installed twice, and only itself when its program has moved", async () => {
    const { hooks, what, place } = await aProject();
    await place("post-commit", "#!/bin/sh\n");
    await installHook(hooks, what);
    expect(await installHook(hooks, what)).toBe("unchanged");
    expect(await installHook(hooks, { ...what, program: ["elsewhere"] })).toBe("updated");
    expect(await hooks.read("post-commit.before-rekindle")).toBe("#!/bin/sh\n");
  });

  it("goes on where a killed installation ended", async () => {
    const { hooks, what, place } = await aProject();
    await place("post-commit.before-rekindle", "#!/bin/sh\n");
    expect(await installHook(hooks, what)).toBe("installed");
    await uninstallHook(hooks);
    expect(await hooks.read("post-commit")).toBe("#!/bin/sh\n");
    expect(await uninstallHook(hooks)).toBe("unchanged");
  });

  it("refuses when it would have to choose between two hooks of others", async () => {
    const { hooks, what, place } = await aProject();
    await place("post-commit", "#!/bin/sh\n");
    await place("post-commit.before-rekindle", "#!/bin/sh\n");
    await expect(installHook(hooks, what)).rejects.toThrow("nothing was changed");
  });

  it("goes where core.hooksPath leads, and keeps a hook that is a link", async () => {
    const { root, git, commit, published, what, notes } = await aProject();
    await git.must(["config", "core.hooksPath", ".githooks"]);
    const { hooks } = await hooksOf(root);
    expect(hooks.path).toBe(join(root, ".githooks"));
    await mkdir(hooks.path);
    await writeFile(join(hooks.path, "runner"), `#!/bin/sh\necho "runner $0" >>'${notes}'\n`);
    await chmod(join(hooks.path, "runner"), 0o755);
    await symlink("runner", join(hooks.path, "post-commit"));
    await installHook(hooks, what);
    await commit("one");
    expect(await published()).toEqual([
      expect.stringContaining("runner"),
      expect.stringContaining("rekindle publish"),
    ]);
  });

  it("leaves a rebase alone, and other repositories that share its folder of hooks", async () => {
    const { root, git, hooks, what, commit, published } = await aProject();
    const first = await commit("one");
    await git.must(["checkout", "--quiet", "-b", "side"]);
    await git.must(["commit", "--allow-empty", "--quiet", "--message", "side"]);
    await git.must(["checkout", "--quiet", "trunk"]);
    await git.must(["commit", "--allow-empty", "--quiet", "--message", "two"]);
    await git.must(["checkout", "--quiet", "side"]);
    await installHook(hooks, what);
    await git.must(["rebase", "--quiet", "--force-rebase", "trunk"]);
    expect(await git.must(["merge-base", "side", "trunk"])).not.toBe(first);
    expect(await published()).toEqual([]);

    const other = await aRepository();
    await other.git.must(["config", "core.hooksPath", join(root, ".git", "hooks")]);
    await other.commit("elsewhere");
    expect(await published()).toEqual([]);
  });
});
