import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { publish } from "../../bootstrap/commands/publish.ts";
import {
  type FilesTarget,
  type RestoreFilesContext,
  restoreFiles,
} from "../../bootstrap/commands/restore-files.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { folderFiles } from "../../bootstrap/edges/folder-files.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import { signatureKey } from "../../bootstrap/release/signature.ts";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { aFile, aRoleSource, aTopology, primary, recovery } from "../builders.ts";
import { aCommit } from "../commit.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { noHistory } from "../fakes/no-history.ts";
import { aSigner } from "../signer.ts";

const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error: RekindleError) => error,
  );

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-files-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const owned = { owner: "root", group: "root" };
const template = { ...aFile("etc/app.env", "key={{secret:app}}\n", "0640"), template: true } as TreeEntry;
const first: TreeEntry[] = [
  aFile("etc/a.conf", "first"),
  template,
  { kind: "directory", path: "etc/conf.d", ...owned, mode: "0750" },
  { kind: "link", path: "etc/link", ...owned, target: "a.conf" },
];

/** Two regions, where two releases were published an hour apart. */
async function aCloud() {
  const stores = [new MemoryStore(recovery, "r-bucket"), new MemoryStore(primary, "p-bucket")] as const;
  const catalogs = stores.map((store) => new Catalog(store));
  const keys = aSigner();
  const publishAt = async (hour: number, digit: string, tree: TreeEntry[]) => {
    const published = await publish({
      topology: aTopology(),
      account: { demand: async () => "arn:somebody", keyArn: async () => "key" },
      repository: { describe: async () => aCommit },
      catalogs,
      clock: { now: () => new Date(Date.UTC(2026, 10, 24, hour)) },
      ...keys,
      sources: { web: aRoleSource({ tree }) },
      history: noHistory,
      print: () => undefined,
      commit: digit.repeat(40),
    });
    return published.release;
  };
  const releases = [
    await publishAt(9, "a", first),
    await publishAt(10, "b", [aFile("etc/a.conf", "second"), ...first.slice(1)]),
  ];
  return { stores, catalogs, releases, trusted: keys.trusted };
}

type Cloud = Awaited<ReturnType<typeof aCloud>>;

function aContext(
  cloud: Cloud,
  target: FilesTarget,
  changes: Partial<RestoreFilesContext> = {},
): RestoreFilesContext {
  return {
    state: cloud.releases[0]!,
    role: "web",
    paths: [],
    environment: "shop",
    repository: { resolve: () => expect.unreachable("git was asked"), files: () => expect.unreachable() },
    catalogs: async () => cloud.catalogs,
    trusted: async () => cloud.trusted,
    target,
    dryRun: false,
    ...changes,
  };
}

describe("files of a release in a folder", () => {
  it("are as they were, with their modes, and templates as they are", async () => {
    const folder = await aFolder();
    const { changes } = await restoreFiles(aContext(await aCloud(), folderFiles(folder)));
    expect(changes.map(({ path }) => path)).toEqual([
      "/etc/a.conf",
      "/etc/app.env",
      "/etc/conf.d",
      "/etc/link",
    ]);
    expect(await readFile(join(folder, "etc/a.conf"), "utf8")).toBe("first");
    expect(await readFile(join(folder, "etc/app.env"), "utf8")).toBe("key={{secret:app}}\n");
    expect((await stat(join(folder, "etc/app.env"))).mode & 0o777).toBe(0o640);
    expect((await stat(join(folder, "etc/conf.d"))).mode & 0o777).toBe(0o750);
    expect(await readlink(join(folder, "etc/link"))).toBe("a.conf");
  });

  it("are there already the second time", async () => {
    const [folder, cloud] = [await aFolder(), await aCloud()];
    await restoreFiles(aContext(cloud, folderFiles(folder)));
    expect((await restoreFiles(aContext(cloud, folderFiles(folder)))).changes).toEqual([]);
  });

  it("come from a moment, and from what is live now", async () => {
    const cloud = await aCloud();
    for (const [state, text] of [
      ["2026-11-24T09:30:00Z", "first"],
      ["current", "second"],
    ] as const) {
      const folder = await aFolder();
      await restoreFiles(aContext(cloud, folderFiles(folder), { state, paths: ["/etc/*.conf"] }));
      expect(await readdir(join(folder, "etc"))).toEqual(["a.conf"]);
      expect(await readFile(join(folder, "etc/a.conf"), "utf8")).toBe(text);
    }
  });

  it("that can't be written say which one and why", async () => {
    const folder = join(await aFolder(), "file");
    await writeFile(folder, "");
    await expect(restoreFiles(aContext(await aCloud(), folderFiles(folder)))).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringMatching(/^etc\/\S+ can't be put into .*file \(ENOTDIR.*name another folder$/),
    });
  });

  it("change nothing on a dry run", async () => {
    const folder = await aFolder();
    const dry = await restoreFiles(aContext(await aCloud(), folderFiles(folder), { dryRun: true }));
    expect(dry.changes).toHaveLength(4);
    expect(await readdir(folder)).toEqual([]);
  });

  it("never replace another file, and none is put there then", async () => {
    const folder = await aFolder();
    await mkdir(join(folder, "etc"));
    await writeFile(join(folder, "etc/link"), "mine");
    const error = await failure(restoreFiles(aContext(await aCloud(), folderFiles(folder))));
    expect(error.kind).toBe("refused");
    expect(error.details).toEqual([join(folder, "etc/link")]);
    expect(await readdir(join(folder, "etc"))).toEqual(["link"]);
    expect(await readFile(join(folder, "etc/link"), "utf8")).toBe("mine");
  });
});

const nowhere: FilesTarget = {
  name: "db-0",
  isLive: true,
  read: () => expect.unreachable("the server was asked"),
  put: () => expect.unreachable("something was changed"),
};

describe("a release that is not as it was published", () => {
  it("is taken from the other region, when no trusted key has signed it in this one", async () => {
    const [folder, cloud] = [await aFolder(), await aCloud()];
    const key = signatureKey(cloud.releases[0]!, cloud.trusted[0].id);
    const { etag } = (await cloud.stores[0].get(key))!;
    await cloud.stores[0].swap(key, Buffer.alloc(64), etag);
    await restoreFiles(aContext(cloud, folderFiles(folder)));
    expect(await readFile(join(folder, "etc/a.conf"), "utf8")).toBe("first");
  });

  it("is refused when nobody who is trusted has signed it anywhere", async () => {
    const error = await failure(
      restoreFiles(aContext(await aCloud(), nowhere, { trusted: async () => aSigner().trusted })),
    );
    expect(error.kind).toBe("failed-check");
    expect(error.details.join("\n")).toContain("no trusted key has signed it");
  });
});

it.each<[string, Partial<RestoreFilesContext>, string]>([
  [
    "a path that the release does not have",
    { paths: ["/etc/b.conf"] },
    "has nothing of /etc/b.conf in role web",
  ],
  ["a role that it does not have", { role: "db" }, 'has no role "db"'],
  ["a release that is not there", { state: "cccccccccccc-000000000000" }, "there is no release cccccccccccc"],
])("%s is refused", async (_what, changes, said) => {
  const error = await failure(restoreFiles(aContext(await aCloud(), nowhere, changes)));
  expect(error.kind).toBe("bad-input");
  expect(error.message).toContain(said);
});
