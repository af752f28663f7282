import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { actingShell } from "../../bootstrap/edges/hosts/acting-shell.ts";
import { shellBy } from "../../bootstrap/edges/hosts/host-shell.ts";
import { serverFiles } from "../../bootstrap/edges/hosts/server-files.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { aFile } from "../builders.ts";

const isRoot = process.getuid?.() === 0;

/** A shell of root's in a mount namespace where Rekindle's own state is in the test's folder, and the files below it. */
describe.skipIf(!isRoot)("files of a release on a server", () => {
  let folder: string;
  let state: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-put-files-"));
    state = join(folder, "state");
    await mkdir(state);
    await mkdir(join(folder, "etc"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const server = () => {
    const patience = { timeoutMs: 20_000, signal: new AbortController().signal };
    const enter = ["--mount", "sh", "-c", 'mount --bind "$1" /var/lib && exec sh -s', "sh", state];
    const shell = shellBy("unshare", enter, patience);
    return serverFiles("db-0", shell, actingShell(shell, { sleep: async () => undefined }));
  };
  const at = (name: string) => join(folder, "etc", name);
  const file = (name: string, text: string, changes: object = {}): TreeEntry => ({
    ...aFile(at(name).slice(1), text),
    ...changes,
  });
  /** Where a path's copy is, given where copies are on the server. */
  const copy = (kept: string | undefined, name: string) =>
    join(state, kept!.replace(/^\/var\/lib\//, ""), at(name));
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => expect.unreachable("it succeeded"),
      (error: RekindleError) => error,
    );

  it("are read as they lie there, and what is not there is left out", async () => {
    await writeFile(at("a"), "größe\0\n");
    await chmod(at("a"), 0o640);
    await chown(at("a"), 1, 1);
    await symlink("a", at("link"));
    const names = ["a", "none", "link"].map((name) => at(name).slice(1));
    expect(await server().read(names)).toEqual([
      {
        ...file("a", "größe\0\n"),
        mode: "0640",
        owner: "daemon",
        group: "daemon",
        content: Buffer.from("größe\0\n"),
      },
      { kind: "link", path: at("link").slice(1), owner: "root", group: "root", target: "a" },
    ]);
    expect(await server().read([at("none").slice(1)])).toEqual([]);
  });

  it("take the place of what is there, with owner and mode, and copies of that are kept", async () => {
    await writeFile(at("a"), "old");
    await chmod(at("a"), 0o600);
    await chown(at("a"), 2, 2);
    const directory = {
      kind: "directory",
      path: at("d").slice(1),
      owner: "daemon",
      group: "root",
      mode: "0750",
    } as const;
    const link = {
      kind: "link",
      path: at("link").slice(1),
      owner: "root",
      group: "root",
      target: "a",
    } as const;
    const kept = await server().put("db", [
      file("a", "new", { owner: "daemon", mode: "0644" }),
      directory,
      file("d/b", "b"),
      link,
    ]);
    expect(await readFile(at("a"), "utf8")).toBe("new");
    expect(await stat(at("a"))).toMatchObject({ uid: 1, gid: 0, mode: 0o100644 });
    expect(await stat(at("d"))).toMatchObject({ uid: 1, mode: 0o40750 });
    expect(await readlink(at("link"))).toBe("a");
    expect(await readFile(copy(kept, "a"), "utf8")).toBe("old");
    expect(await stat(copy(kept, "a"))).toMatchObject({ uid: 2, gid: 2, mode: 0o100600 });
    // Nothing else was kept, and nothing is left of what was sent.
    expect(await readdir(join(copy(kept, "a"), ".."))).toEqual(["a"]);
    expect((await readdir(join(state, "rekindle/acts"))).filter((name) => name.startsWith("files-"))).toEqual(
      [],
    );
  });

  it("are more than what one command carries", async () => {
    const text = Array.from({ length: 20_000 }, () => Math.random().toString(36)).join("\n");
    expect(await server().put("db", [file("big", text)])).toBeUndefined();
    expect(await readFile(at("big"), "utf8")).toBe(text);
  });

  it.each<[string, () => TreeEntry, string]>([
    [
      "its owner is unknown there",
      () => file("b", "b", { owner: "nobody-here" }),
      "belongs to user nobody-here",
    ],
    [
      "a directory is in its place",
      () => file("d", "d"),
      "is a directory here, and a file in what is restored",
    ],
    [
      "it is a template, and no boot script is there",
      () => file("t", "{{server}}", { template: true }),
      "is a template",
    ],
  ])("are not put there when of one of them %s", async (_why, entry, said) => {
    await writeFile(at("a"), "old");
    await mkdir(at("d"));
    const error = await failure(server().put("db", [file("a", "new"), entry()]));
    expect(error.message).toContain(said);
    expect(error.message).toContain("nothing was changed");
    expect(await readFile(at("a"), "utf8")).toBe("old");
  });

  it("are all as before when one can't be put there", async () => {
    await writeFile(at("a"), "old");
    await chmod(at("a"), 0o600);
    await symlink("a", at("link"));
    await writeFile(at("not-a-folder"), "x");
    const link = { ...file("link", "now a file") };
    const error = await failure(
      server().put("db", [file("a", "new"), link, file("new", "x"), file("not-a-folder/b", "b")]),
    );
    expect(error.message).toContain("everything is as before");
    expect(await readFile(at("a"), "utf8")).toBe("old");
    expect((await stat(at("a"))).mode & 0o777).toBe(0o600);
    expect(await readlink(at("link"))).toBe("a");
    expect((await readdir(join(folder, "etc"))).sort()).toEqual(["a", "link", "not-a-folder"]);
  });
});
