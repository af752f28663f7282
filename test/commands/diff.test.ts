import { execFileSync } from "node:child_process";
import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type DiffContext, diff } from "../../bootstrap/commands/diff.ts";
import { publish } from "../../bootstrap/commands/publish.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { gitRepository } from "../../bootstrap/edges/git.ts";
import { type LiveServer, sshServer } from "../../bootstrap/edges/hosts/live-files.ts";
import { RekindleError } from "../../bootstrap/errors.ts";
import type { Change } from "../../bootstrap/history/compare.ts";
import { unified } from "../../bootstrap/history/unified.ts";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { maskSecrets } from "../../bootstrap/secrets/mask.ts";
import { aFile, aManifest, aRoleSource, aTopology, primary, recovery } from "../builders.ts";
import { aCommit } from "../commit.ts";
import { aFolder, aRepository } from "../edges/a-repository.ts";
import { sshd, startSshd } from "../edges/hosts/sshd.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { noHistory } from "../fakes/no-history.ts";
import { aSigner } from "../signer.ts";

const aContext = (changes: Partial<DiffContext>): DiffContext => ({
  before: "",
  after: "",
  role: undefined,
  environment: "shop",
  repository: { resolve: () => expect.unreachable(), files: () => expect.unreachable() },
  catalogs: () => expect.unreachable("AWS was asked"),
  server: () => expect.unreachable("a host was asked"),
  ...changes,
});
const brief = (changes: readonly Change[]) =>
  changes.map(({ role, path, kinds }) => `${role}:${path} ${kinds.join("+")}`);
const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error: RekindleError) => error,
  );

/** A repository whose commits are of an environment `shop` with role web. */
async function aProject() {
  const { root, git } = await aRepository();
  return {
    root,
    /** Commits these files, beside the ones that are there. */
    async commit(files: Record<string, string>) {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), content);
      }
      await git.must(["add", "."]);
      await git.must(["commit", "--quiet", "--allow-empty", "--message", "x"]);
      return git.must(["rev-parse", "HEAD"]);
    },
    remove: (path: string) => rm(join(root, path)),
    repository: gitRepository(root),
  };
}
const shop = { "configs/environments/shop.yaml": "roles:\n  web: {}\n", "configs/roles/web/role.yaml": "" };
const inWeb = (path: string) => `configs/roles/web/${path}`;

/** Two regions, where every digit is published as a commit a minute after the one before. */
function aCloud() {
  let minute = 0;
  const stores = [new MemoryStore(recovery, "r-bucket"), new MemoryStore(primary, "p-bucket")] as const;
  const catalogs = stores.map((store) => new Catalog(store));
  return {
    stores,
    catalogs: async () => catalogs,
    async publish(digit: string, tree: TreeEntry[], userData = "#cloud-config\n# {{release}}\n") {
      minute++;
      const source = aRoleSource({ tree, userData: [{ name: "web.yaml", content: userData }] });
      const { release } = await publish({
        topology: aTopology(),
        account: { demand: async () => "arn:somebody", keyArn: async () => "key" },
        repository: { describe: async () => aCommit },
        catalogs,
        clock: { now: () => new Date(Date.UTC(2026, 10, 24, 10, minute)) },
        ...aSigner(),
        sources: { web: source },
        history: noHistory,
        print: () => undefined,
        commit: digit.repeat(40),
      });
      return release;
    },
  };
}

/** A server that holds some files and runs a release that names some paths. */
const aServer = (tree: TreeEntry[], manifest?: ReturnType<typeof aManifest>): LiveServer => ({
  manifest: async () => manifest,
  read: async (paths) => tree.filter(({ path }) => paths.includes(path)),
});

describe("between two commits", () => {
  it("everything that a role's files, files.yaml and templates say is compared", async () => {
    const { commit, remove, repository } = await aProject();
    const before = await commit({
      ...shop,
      [inWeb("files/etc/app.conf")]: "port=1\n",
      [inWeb("files/etc/gone")]: "x",
      [inWeb("files/etc/owned")]: "x",
      "cloud-init/templates/web.yaml": "#cloud-config\n",
    });
    await remove(inWeb("files/etc/gone"));
    const after = await commit({
      [inWeb("files/etc/app.conf")]: "port=2\n",
      [inWeb("files/etc/new")]: "x",
      [inWeb("files.yaml")]: 'version: 1\npaths:\n  /etc/owned: { mode: "0600", owner: app }\n',
      "cloud-init/templates/web.yaml": "#cloud-config\npackages: []\n",
    });
    expect(brief(await diff(aContext({ before, after, repository })))).toEqual([
      "web:/etc/app.conf content",
      "web:/etc/gone removed",
      "web:/etc/new added",
      "web:/etc/owned mode+owner",
      "web:user-data/web.yaml content",
    ]);
    expect(await diff(aContext({ before: "HEAD~1", after: before, repository }))).toEqual([]);
  });

  it("secrets are masked where it is shown", async () => {
    const { commit, repository } = await aProject();
    const key = (digit: string) => `port=${digit}\naws_access_key_id = AKIA${digit.repeat(16)}\n`;
    await commit({ ...shop, [inWeb("files/etc/app.conf")]: key("2") });
    await commit({ [inWeb("files/etc/app.conf")]: key("7") });
    const changes = await diff(aContext({ before: "HEAD~1", after: "HEAD", repository }));
    const text = unified(changes, maskSecrets).join("\n");
    expect(text).toContain("+port=7");
    expect(text).not.toContain("AKIA");
  });

  it("a commit that could not be published any more can be looked at", async () => {
    const { commit, repository } = await aProject();
    await commit({ ...shop, [inWeb("role.yaml")]: "of: another time\n" });
    await commit({ [inWeb("files/etc/a")]: "a" });
    expect(brief(await diff(aContext({ before: "HEAD~1", after: "HEAD", repository })))).toEqual([
      "web:/etc/a added",
    ]);
  });

  it.each<[string, Partial<DiffContext>, string]>([
    ["an unknown revision", { before: "nowhere" }, 'git knows no commit "nowhere"'],
    ["a commit without the environment", { environment: "other" }, "has no configs/environments/other.yaml"],
    ["a role that neither side has", { role: "db" }, 'neither HEAD nor HEAD has a role "db"'],
    ["a host without a role", { before: "host:web-1" }, "add --role"],
    ["a host that would be an option of ssh", { before: "host:-oX", role: "web" }, "names no host"],
  ])("%s is refused", async (_name, changes, said) => {
    const { commit, repository } = await aProject();
    await commit(shop);
    const error = await failure(diff(aContext({ before: "HEAD", after: "HEAD", repository, ...changes })));
    expect(error.kind).toBe("bad-input");
    expect(error.message).toContain(said);
  });
});

describe("between two releases", () => {
  it("bundles and user-data are compared", async () => {
    const { publish, catalogs } = aCloud();
    const template = { ...aFile("etc/t", "{{role}}"), template: true } as TreeEntry;
    const before = await publish("a", [aFile("etc/a", "a"), template]);
    const after = await publish("b", [aFile("etc/a", "a", "0600"), template], "#cloud-config\n");
    expect(brief(await diff(aContext({ before, after, catalogs })))).toEqual([
      "web:/etc/a mode",
      "web:user-data/web.yaml content",
    ]);
  });

  it("a time stands for the release that was live then", async () => {
    const { publish, catalogs } = aCloud();
    await publish("a", [aFile("etc/a", "first")]);
    const second = await publish("b", [aFile("etc/a", "second")]);
    const at = (before: string, after: string) => diff(aContext({ before, after, catalogs }));
    expect(brief(await at("2026-11-24T10:01:30Z", second))).toEqual(["web:/etc/a content"]);
    expect(await at("2026-11-24T11:00:00+00:00", second)).toEqual([]);
    const error = await failure(at("2026-11-23", second));
    expect(error.kind).toBe("bad-input");
    expect(error.message).toContain("the history begins at 2026-11-24T10:01:00.000Z");
  });

  it("a commit's own release is no other than the commit", async () => {
    const { commit, repository } = await aProject();
    await commit({
      ...shop,
      [inWeb("files/etc/a")]: "a",
      "cloud-init/templates/web.yaml": "#cloud-config\n",
    });
    const { publish, catalogs } = aCloud();
    const release = await publish("a", [aFile("etc/a", "a")], "#cloud-config\n");
    expect(await diff(aContext({ before: "HEAD", after: release, repository, catalogs }))).toEqual([]);
  });

  it("the primary region stands in where the recovery region does not answer, or is damaged", async () => {
    const { publish, catalogs, stores } = aCloud();
    const [before, after] = [
      await publish("a", [aFile("etc/a", "a")]),
      await publish("b", [aFile("etc/a", "b")]),
    ];
    const { get } = stores[0];
    stores[0].get = async (key, version) => {
      const object = await get.call(stores[0], key, version);
      return key.startsWith("bundles/") && object ? { ...object, body: Buffer.from("damaged") } : object;
    };
    expect(brief(await diff(aContext({ before, after, catalogs })))).toEqual(["web:/etc/a content"]);
    stores[0].get = stores[0].list = async () => {
      throw new RekindleError("unreachable", "AWS does not answer");
    };
    expect(brief(await diff(aContext({ before, after, catalogs })))).toEqual(["web:/etc/a content"]);
    expect(brief(await diff(aContext({ before: "2026-11-24T10:01:30Z", after, catalogs })))).toEqual([
      "web:/etc/a content",
    ]);
  });

  it("a release that is damaged everywhere is named with each region's fault", async () => {
    const { publish, catalogs, stores } = aCloud();
    const before = await publish("a", [aFile("etc/a", "a")]);
    const other = await publish("b", [aFile("etc/a", "b")]);
    for (const store of stores) {
      const { get } = store;
      const bundle = (await new Catalog(store).manifest(other))!.manifest.roles.web!.bundle;
      store.get = (key, version) =>
        key.startsWith("bundles/")
          ? get.call(store, bundle.key, bundle.versionId)
          : get.call(store, key, version);
    }
    const error = await failure(diff(aContext({ before, after: other, catalogs })));
    expect(error.kind).toBe("failed-check");
    expect(error.details).toHaveLength(2);
    expect(error.details[0]).toContain("is damaged: its tar's digest is");
  });

  it("one that is in no region is refused", async () => {
    const { catalogs } = aCloud();
    const name = "aaaaaaaaaaaa-000000000000";
    const error = await failure(diff(aContext({ before: name, after: name, catalogs })));
    expect(error).toMatchObject({
      kind: "bad-input",
      message: expect.stringContaining(`no release ${name}`),
    });
  });
});

describe("between a commit and a server", () => {
  const files = { [inWeb("files/etc/a")]: "a\n", [inWeb("files/etc/t")]: "on {{server}}\nport=1\n" };
  const template = { [inWeb("files.yaml")]: "version: 1\npaths:\n  /etc/t: { template: true }\n" };

  it("what the server looked up for a template is no difference", async () => {
    const { commit, repository } = await aProject();
    await commit({ ...shop, ...files, ...template });
    const compare = (text: string) =>
      diff(
        aContext({
          before: "HEAD",
          after: "host:web-1",
          role: "web",
          repository,
          server: () => aServer([aFile("etc/a", "a\n"), aFile("etc/t", text)]),
        }),
      );
    expect(await compare("on web-1\nport=1\n")).toEqual([]);
    const changes = await compare("on web-1\nport=2\n");
    expect(brief(changes)).toEqual(["web:/etc/t content"]);
    expect(unified(changes, maskSecrets)).toEqual(
      expect.arrayContaining([" on {{server}}", "-port=1", "+port=2"]),
    );
  });

  it("a path that only the server's own release has is looked at, and no other", async () => {
    const { commit, repository } = await aProject();
    await commit({ ...shop, [inWeb("files/etc/a")]: "a" });
    const manifest = aManifest();
    manifest.roles.web!.files = [
      { kind: "file", path: "etc/old", sha256: "", size: 1, mode: "0644", owner: "root", group: "root" },
    ];
    const server = () =>
      aServer([aFile("etc/a", "a"), aFile("etc/old", "x"), aFile("etc/foreign", "x")], manifest);
    const changes = await diff(
      aContext({ before: "HEAD", after: "host:web-1", role: "web", repository, server }),
    );
    expect(brief(changes)).toEqual(["web:/etc/old added"]);
  });

  it("a server that knows nothing of the role is refused", async () => {
    const { commit, repository } = await aProject();
    await commit(shop);
    const work = diff(
      aContext({ before: "HEAD", after: "host:web-1", role: "db", repository, server: () => aServer([]) }),
    );
    expect((await failure(work)).message).toContain("runs no release with role db");
  });
});

describe.skipIf(sshd === undefined)("of a real server", () => {
  async function aLogin(timeoutMs = 20_000) {
    const folder = await aFolder();
    const server = await startSshd(join(folder, "sshd"), ["web-1"]);
    onTestFinished(() => server.stop());
    const login = { sshConfig: server.clientConfig, timeoutMs, signal: new AbortController().signal };
    return { folder, server, login };
  }

  it("files, links and folders are read as they are; what is not there is left out", async () => {
    const { folder, login } = await aLogin();
    await writeFile(join(folder, "it's a file"), "text\n");
    await chmod(join(folder, "it's a file"), 0o640);
    await mkdir(join(folder, "empty"), { mode: 0o700 });
    const below = folder.slice(1);
    const paths = ["it's a file", "empty", "gone", "it's a file/below"].map((name) => `${below}/${name}`);
    const read = await sshServer("web-1", login).read(paths);
    expect(read).toMatchObject([
      { kind: "directory", path: `${below}/empty`, mode: "0700" },
      { kind: "file", path: `${below}/it's a file`, mode: "0640", content: Buffer.from("text\n") },
    ]);
    expect(read[0]!.owner).not.toBe("");
    expect(await sshServer("web-1", login).read([`${below}/gone`])).toEqual([]);
  });

  it("a name that looks like an option is a name", async () => {
    const { folder, login } = await aLogin();
    await writeFile(join(folder, "--checkpoint"), "x");
    const path = `${folder.slice(1)}/--checkpoint`;
    expect(await sshServer("web-1", login).read([path])).toMatchObject([{ path }]);
  });

  it("a path that can't be looked at is never taken for one that is not there", async () => {
    const { folder, login } = await aLogin();
    await symlink(join(folder, "loop"), join(folder, "loop"));
    const paths = ["gone", "loop/file"].map((name) => `${folder.slice(1)}/${name}`);
    const error = await failure(sshServer("web-1", login).read(paths));
    expect(error.kind).toBe("unreachable");
    expect(error.message).toContain("Too many levels of symbolic links");
  });

  it("what no release holds is named", async () => {
    const { folder, login } = await aLogin();
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const error = await failure(sshServer("web-1", login).read([`${folder.slice(1)}/pipe`]));
    expect(error.message).toContain("/pipe is a fifo there, which no release holds");
  });

  it("that lets nobody in, is told as that", async () => {
    const { server, login } = await aLogin();
    await server.revokeAccess();
    const error = await failure(sshServer("web-1", login).manifest());
    expect(error.kind).toBe("unreachable");
    expect(error.message).toContain("host web-1 could not be read: it gives no access");
  });
});
