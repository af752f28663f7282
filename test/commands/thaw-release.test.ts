import { describe, expect, it } from "vitest";
import { readThawed, type ThawContext, thawRelease } from "../../bootstrap/commands/thaw-release.ts";
import type { ObjectStore } from "../../bootstrap/edges/aws/objects.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { aTopology } from "../builders.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { archiveInS3 } from "../sandbox/archive.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { testField } from "./field.ts";

const sandbox = runningSandbox();
const release = "0123456789ab-cdef01234567";
const manifestKey = `releases/${release}/manifest.json`;
const bundle = (role: string) => `bundles/${role}/sha.tar.gz`;

function patience(change: Partial<ThawContext> = {}) {
  const lines: string[] = [];
  const context: ThawContext = {
    clock: systemClock,
    stopwatch: new Stopwatch(systemClock),
    signal: new AbortController().signal,
    print: (line) => void lines.push(line),
    ...change,
  };
  return { context, lines };
}

/** A release of two roles, all of which lies in a Glacier class, but for the bundle of `web`. */
async function anArchivedRelease(store: ObjectStore, archive: (key: string) => Promise<void>) {
  const put = async (key: string, body: string) => {
    await store.create(key, Buffer.from(body), "digest");
    return (await store.head(key))!.versionId;
  };
  const roles: Record<string, object> = {};
  for (const role of ["web", "db"]) {
    await put(bundle(role), role);
    if (role === "db") await archive(bundle(role));
    roles[role] = { bundle: { key: bundle(role), versionId: (await store.head(bundle(role)))!.versionId } };
  }
  await put(manifestKey, JSON.stringify({ version: 1, roles }));
  await archive(manifestKey);
  await put(`releases/${release}/signatures/k.sig`, "signature");
  await archive(`releases/${release}/signatures/k.sig`);
}

describe("thawing a release", () => {
  const cases = {
    "in memory": async () => {
      const store = new MemoryStore();
      return { store, archive: (key: string) => store.archive(key) };
    },
    "of S3": async () => {
      const { store } = (await testField(sandbox(), aTopology())).cloud.recovery.catalog;
      return { store, archive: (key: string) => archiveInS3(sandbox)(store, key) };
    },
  };
  it.each(Object.entries(cases))("%s makes readable what is archived, and only that", async (_, open) => {
    const { store, archive } = await open();
    await anArchivedRelease(store, archive);
    const { context, lines } = patience();
    expect(await thawRelease(store, release, context)).toEqual([
      manifestKey,
      bundle("db"),
      `releases/${release}/signatures/k.sig`,
    ]);
    expect(lines[0]).toContain(`s3://${store.bucket}/${manifestKey} lies in a Glacier class`);
    expect((await store.get(bundle("db")))?.body.toString()).toBe("db");
    expect(await thawRelease(store, release, context)).toEqual([]);
  });

  it("waits until S3 has brought the object back, however long that takes", async () => {
    const store = new MemoryStore();
    await store.create("a", Buffer.from("content"), "digest");
    await store.archive("a");
    store.thawing = "thawing";
    let hours = 0;
    const clock = {
      ...systemClock,
      monotonic: () => hours * 3_600_000,
      sleep: async () => {
        if (++hours === 12) await store.finishThaw("a");
      },
    };
    const { context } = patience({ clock });
    expect((await readThawed(store, { key: "a" }, context))?.body.toString()).toBe("content");
    expect(store.thaws).toEqual(["a"]);
    expect(hours).toBe(12);
  });

  it("says that there is no such release", async () => {
    const thawing = thawRelease(new MemoryStore(), release, patience().context);
    await expect(thawing).rejects.toThrow(`holds no release ${release}`);
  });
});
