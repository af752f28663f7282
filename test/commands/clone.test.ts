import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cloneHistory } from "../../bootstrap/commands/clone.ts";
import { publishHistory } from "../../bootstrap/commands/publish-history.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { gitHistory } from "../../bootstrap/edges/git-bundle.ts";
import { gitIn } from "../../bootstrap/edges/git-process.ts";
import { restoreInto } from "../../bootstrap/edges/git-restore.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { aFolder, aRepository } from "../edges/a-repository.ts";
import { MemoryStore } from "../fakes/memory-store.ts";

async function aBench() {
  const repository = await aRepository();
  const stores = [new MemoryStore("eu-central-1", "one"), new MemoryStore("eu-west-1", "two")] as const;
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const publish = (commit: string, root = repository.root) =>
    publishHistory({ history: gitHistory(root), commit, stores, print });
  const clone = async (store: MemoryStore = stores[0], folder?: string) => {
    const target = folder ?? join(await aFolder(), "back");
    const patience = {
      clock: systemClock,
      stopwatch: new Stopwatch(systemClock),
      signal: AbortSignal.abort(),
    };
    const context = {
      ...patience,
      signal: new AbortController().signal,
      store,
      folder: target,
      restoreInto,
      print,
    };
    return { ...(await cloneHistory(context)), git: gitIn(target) };
  };
  const point = async (commit: string) => {
    for (const store of stores) {
      const body = JSON.stringify({ version: 1, environment: "shop", release: "r", commit, sites: {} });
      await store.swap("current.json", Buffer.from(body), (await store.get("current.json"))?.etag);
    }
  };
  const bundles = (store: MemoryStore = stores[0]) => store.list("git/bundles/");
  return { ...repository, stores, lines, publish, clone, point, bundles };
}

const flipped = (bytes: Buffer) => {
  const damaged = Buffer.from(bytes);
  damaged[damaged.length >> 1]! ^= 1;
  return damaged;
};

describe("branches and tags", () => {
  it("come back, with merges, whether the published commit has them behind it or not", async () => {
    const { git, root, commit, publish, clone, point, bundles } = await aBench();
    await commit("one");
    await git.must(["tag", "light"]);
    await git.must(["tag", "--annotate", "v1", "--message", "größe\n\n\n"]);
    await git.must(["checkout", "--quiet", "-b", "topic/a"]);
    await git.must(["commit", "--quiet", "--allow-empty", "--message", "topic"]);
    await git.must(["checkout", "--quiet", "-b", "unmerged"]);
    await git.must(["commit", "--quiet", "--allow-empty", "--message", "unmerged"]);
    await git.must(["checkout", "--quiet", "trunk"]);
    await git.must(["merge", "--quiet", "--no-ff", "--message", "merge", "topic/a"]);
    const last = await git.must(["rev-parse", "HEAD"]);
    await publish(last);
    await git.must(["tag", "later", "HEAD~1"]);
    await publish(last);
    await point(last);
    expect(await bundles()).toHaveLength(2);
    const other = join(await aFolder(), "other");
    await git.must(["clone", "--quiet", "--no-tags", "--single-branch", root, other]);
    await publish(last, other);
    const back = await clone();
    const refs = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"];
    expect(await back.git.must(refs)).toBe(await git.must(refs));
    expect(await back.git.must(["symbolic-ref", "HEAD"])).toBe("refs/heads/trunk");
    expect(await back.git.must(["for-each-ref", "refs/remotes"])).toBe("");
    expect(await back.git.must(["rev-list", "--all", "--count"])).toBe("4");
  });

  it("of which a commit did not come back are told by name", async () => {
    const { commit, publish, clone, stores, lines } = await aBench();
    await publish(await commit("one"));
    const refs = JSON.stringify({ version: 1, refs: [{ name: "refs/tags/gone", commit: "0".repeat(40) }] });
    await stores[0].swap("git/refs.json", Buffer.from(refs), (await stores[0].get("git/refs.json"))?.etag);
    await clone();
    expect(lines).toContain("refs/tags/gone is left out: its commit did not come back");
  });
});

describe("publishing the history", () => {
  it("puts a full bundle into every region, then only what is new, and nothing for nothing", async () => {
    const { commit, publish, stores, bundles } = await aBench();
    const first = await commit("one");
    await commit("two");
    const third = await commit("three");
    expect(await publish(third)).toEqual({ kind: "published", uploaded: 2 });
    expect(await publish(third)).toEqual({ kind: "published", uploaded: 0 });
    expect(await publish(first)).toEqual({ kind: "published", uploaded: 0 });
    const fourth = await commit("four");
    await publish(fourth);
    const keys = [`git/bundles/00000001-${third}.bundle`, `git/bundles/00000002-${fourth}.bundle`];
    expect(await bundles()).toEqual(keys);
    expect(await bundles(stores[1])).toEqual(keys);
    expect((await stores[0].get(keys[1]!))!.body.toString("latin1")).toContain(`-${third}`);
  });

  it("goes on after what another publisher put there meanwhile", async () => {
    const { git, root, commit, publish, stores, bundles, clone } = await aBench();
    await publish(await commit("one"));
    const other = join(await aFolder(), "other");
    await git.must(["clone", "--quiet", root, other]);
    const theirs = await commit("theirs");
    const elsewhere = gitIn(other);
    const identity = ["-c", "user.name=Other", "-c", "user.email=other@example.com"];
    await elsewhere.must([...identity, "commit", "--quiet", "--allow-empty", "--message", "ours"]);
    const ours = await elsewhere.must(["rev-parse", "HEAD"]);
    const list = stores[0].list.bind(stores[0]);
    let looks = 0;
    stores[0].list = async (prefix) => {
      if (++looks === 2) await publish(theirs);
      return list(prefix);
    };
    await publish(ours, other);
    stores[0].list = list;
    expect(await bundles()).toEqual([
      expect.stringContaining("00000001-"),
      `git/bundles/00000002-${theirs}.bundle`,
      `git/bundles/00000003-${ours}.bundle`,
    ]);
    const back = await clone();
    expect(back.commit).toBe(ours);
    expect(await back.git.must(["log", "--format=%s", "--all"])).toContain("theirs");
  });

  it("leaves the history out and says so in a shallow clone, for the release must not wait for it", async () => {
    const { git, root, commit, publish, lines, bundles } = await aBench();
    await commit("one");
    const second = await commit("two");
    const shallow = join(await aFolder(), "shallow");
    await git.must(["clone", "--quiet", "--depth=1", `file://${root}`, shallow]);
    expect(await publish(second, shallow)).toEqual({ kind: "skipped", reason: "shallow" });
    expect(lines.join()).toContain("git fetch --unshallow");
    expect(await bundles()).toEqual([]);
  });

  it("changes nothing in the repository, and works from a hook's environment and a linked work tree", async () => {
    const { git, root, commit, publish, clone } = await aBench();
    const tip = await commit("one");
    const linked = join(await aFolder(), "linked");
    await git.must(["worktree", "add", "--quiet", "--detach", linked]);
    const refs = await git.must(["for-each-ref"]);
    process.env.GIT_DIR = join(root, "no-such");
    process.env.GIT_INDEX_FILE = ".git/index";
    try {
      await publish(tip, linked);
    } finally {
      delete process.env.GIT_DIR;
      delete process.env.GIT_INDEX_FILE;
    }
    expect(await git.must(["for-each-ref"])).toBe(refs);
    expect(await clone()).toMatchObject({ commit: tip, branch: "main" });
  });
});

describe("cloning from a bucket", () => {
  it("brings back the whole history on its branch, checked out at the last published commit", async () => {
    const { git, commit, publish, point, clone } = await aBench();
    await publish(await commit("one"));
    await commit("two");
    const published = await commit("three");
    await publish(published);
    await point(published);
    const back = await clone();
    expect(back).toMatchObject({ branch: "trunk", commit: published, bundles: 2, faults: [] });
    expect(await readFile(join(back.folder, "file"), "utf8")).toBe("three");
    expect(await back.git.must(["log", "--format=%H %an %s"])).toBe(
      await git.must(["log", "--format=%H %an %s"]),
    );
    expect(await back.git.must(["status", "--porcelain"])).toBe("");
    expect(await back.git.must(["fsck", "--full", "--strict"])).toBe("");
    expect(await back.git.must(["symbolic-ref", "HEAD"])).toBe("refs/heads/trunk");
  });

  it("keeps what is ahead of the published commit, and what was rewritten", async () => {
    const { git, commit, publish, point, clone } = await aBench();
    const first = await commit("one");
    const old = await commit("old two");
    await publish(old);
    await git.must(["reset", "--quiet", "--hard", first]);
    const rewritten = await commit("new two");
    await publish(rewritten);
    await point(rewritten);
    const back = await clone();
    expect(back.commit).toBe(rewritten);
    expect(await back.git.must(["branch", "--remotes", "--format=%(objectname) %(refname:short)"])).toBe(
      `${old} published/1-${old.slice(0, 12)}`,
    );
    await point(first);
    expect((await clone()).commit).toBe(first);
  });

  it("names a missing bundle and leaves nothing behind", async () => {
    const { commit, publish, stores, clone, bundles } = await aBench();
    for (const text of ["one", "two", "three"]) await publish(await commit(text));
    const [, second] = await bundles();
    const list = stores[0].list.bind(stores[0]);
    stores[0].list = async (prefix) => (await list(prefix)).filter((key) => key !== second);
    const folder = await aFolder();
    const error = await clone(stores[0], join(folder, "back")).catch((caught) => caught);
    expect(error.message).toContain("is not whole");
    expect(error.details.join()).toContain("bundle 00000002 is missing");
    expect(await readdir(folder)).toEqual([]);
    expect((await clone(stores[1])).faults).toEqual([]);
  });

  it("heals with the next publication what was lost in the bucket", async () => {
    const { commit, publish, stores, clone, bundles } = await aBench();
    for (const text of ["one", "two", "three"]) await publish(await commit(text));
    const [, second] = await bundles();
    const list = stores[0].list.bind(stores[0]);
    stores[0].list = async (prefix) => (await list(prefix)).filter((key) => key !== second);
    const fourth = await commit("four");
    await publish(fourth);
    const back = await clone();
    expect(back.commit).toBe(fourth);
    expect(back.faults.join()).toContain("bundle 00000002 is missing");
    expect(await back.git.must(["log", "--format=%s"])).toBe("four\nthree\ntwo\none");
  });

  it("takes the intact earlier version of a damaged bundle", async () => {
    const { commit, publish, stores, clone, bundles, lines } = await aBench();
    await publish(await commit("one"));
    await publish(await commit("two"));
    const [first] = await bundles();
    const { body, etag } = (await stores[0].get(first!))!;
    await stores[0].swap(first!, flipped(body), etag);
    expect((await clone()).faults).toEqual([]);
    expect(lines.join("\n")).toContain(`${first} is damaged`);
  });

  it("names a damaged bundle of which no intact version is left", async () => {
    const { commit, stores, clone, bundles, publish } = await aBench();
    await publish(await commit("one"));
    const [key] = await bundles();
    const found = (await stores[0].get(key!))!;
    const damaged = new MemoryStore("eu-central-1", "damaged");
    await damaged.create(key!, flipped(found.body), "");
    for (const digest of [undefined, "0".repeat(64)]) {
      damaged.get = async (asked) =>
        asked === key ? { ...found, body: flipped(found.body), sha256: digest } : undefined;
      const error = await clone(damaged).catch((caught) => caught);
      expect(error.details.join()).toContain(`s3://damaged/${key} is damaged`);
    }
  });

  it("takes the newest commit and says so when the published one came without history", async () => {
    const { commit, publish, point, clone, lines } = await aBench();
    const first = await commit("one");
    await publish(first);
    await point("f".repeat(40));
    expect((await clone()).commit).toBe(first);
    expect(lines.join()).toContain("was published without its history");
  });

  it("waits for bundles in a Glacier class", async () => {
    const { commit, publish, stores, clone, bundles } = await aBench();
    await publish(await commit("one"));
    await stores[0].archive((await bundles())[0]!);
    await clone();
    expect(stores[0].thaws).toEqual(await bundles());
  });

  it("refuses a folder that holds something, and a bucket that holds no history", async () => {
    const { commit, publish, clone } = await aBench();
    await publish(await commit("one"));
    const folder = await aFolder();
    await expect(clone(new MemoryStore(), folder)).rejects.toThrow("holds no git history");
    await clone(undefined, folder);
    await writeFile(join(folder, "mine"), "");
    await expect(clone(undefined, folder)).rejects.toThrow("is not empty");
    await expect(clone(undefined, join(folder, "mine"))).rejects.toThrow("name another folder");
  });
});
