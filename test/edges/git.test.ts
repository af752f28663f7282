import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { simpleGit } from "simple-git";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gitRepository } from "../../bootstrap/edges/git.ts";

describe("a repository", () => {
  let root = "";
  const commit = async (message: string) => {
    const git = simpleGit(root);
    await git.add(".");
    return (await git.commit(message)).commit;
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "rekindle-git-"));
    const git = simpleGit(root);
    await git.init();
    await git.addConfig("user.name", "Test").addConfig("user.email", "test@example.com");
    await mkdir(join(root, "configs"));
    await writeFile(join(root, "configs", "binary"), Buffer.from([0, 0xff, 0x0d, 0x0a, 0x80]));
    await writeFile(join(root, "configs", "tool"), "#!/bin/sh\n");
    await chmod(join(root, "configs", "tool"), 0o755);
    await writeFile(join(root, "elsewhere"), "x");
    await commit("first");
  });
  afterEach(async () => await rm(root, { recursive: true, force: true }));

  it("gives exact bytes and modes of a commit, whatever the work tree holds", async () => {
    await writeFile(join(root, "configs", "tool"), "changed");
    const repository = gitRepository(root);
    const files = await repository.files(await repository.resolve("HEAD"), ["configs"]);
    expect([...files.keys()]).toEqual(["configs/binary", "configs/tool"]);
    expect([...files.get("configs/binary")!.content]).toEqual([0, 0xff, 0x0d, 0x0a, 0x80]);
    expect(files.get("configs/tool")).toEqual({ content: Buffer.from("#!/bin/sh\n"), mode: "0755" });
  });

  it("tells what differs from HEAD below some folders, untracked files too, and nothing elsewhere", async () => {
    const repository = gitRepository(root);
    expect(await repository.dirty(["configs"])).toEqual([]);
    await writeFile(join(root, "configs", "new name"), "x");
    await writeFile(join(root, "elsewhere"), "y");
    expect(await repository.dirty(["configs"])).toEqual(["configs/new name"]);
  });

  it("tells who wrote a commit, when, and its first line", async () => {
    await writeFile(join(root, "elsewhere"), "y");
    await commit("Serve on port 8080\n\nThe proxy expects it.");
    expect(await gitRepository(root).describe("HEAD")).toEqual({
      author: {
        name: "Test",
        email: "test@example.com",
        date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/),
      },
      subject: "Serve on port 8080",
    });
  });

  it("says that it knows no such commit", async () => {
    await expect(gitRepository(root).resolve("no-such")).rejects.toThrow('git knows no commit "no-such"');
  });

  it("takes no revision for an option", async () => {
    await expect(gitRepository(root).resolve("--all")).rejects.toThrow('git knows no commit "--all"');
  });

  it("refuses a link outside of a role's files", async () => {
    await symlink("tool", join(root, "configs", "link"));
    await commit("link");
    const repository = gitRepository(root);
    await expect(repository.files(await repository.resolve("HEAD"), ["configs"])).rejects.toThrow(
      "configs/link at commit",
    );
  });
});
