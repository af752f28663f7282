import { describe, expect, it } from "vitest";
import { readLog } from "../../bootstrap/commands/log.ts";
import { publish } from "../../bootstrap/commands/publish.ts";
import { rollBack } from "../../bootstrap/commands/rollback.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import { manifestKey } from "../../bootstrap/release/release.ts";
import { aRoleSource, aTopology, primary, recovery } from "../builders.ts";
import { aCommit } from "../commit.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { noHistory } from "../fakes/no-history.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { aSigner } from "../signer.ts";
import { publishIn, testField } from "./field.ts";

/** Every look at this clock is a second later. */
function aClock() {
  let looks = 0;
  return { now: () => new Date(Date.UTC(2026, 10, 24, 10, 0, ++looks)) };
}

function aBench() {
  const stores = [new MemoryStore(recovery, "r-bucket"), new MemoryStore(primary, "p-bucket")] as const;
  const shared = {
    topology: aTopology(),
    account: { demand: async () => "arn:somebody", keyArn: async (region: string) => `key-of-${region}` },
    repository: { describe: async () => aCommit },
    catalogs: stores.map((store) => new Catalog(store)),
    clock: aClock(),
  };
  const signing = aSigner();
  return {
    stores,
    shared,
    catalogs: shared.catalogs,
    /** Publishes a commit of which every digit is this one, and gives its release. */
    publish: async (digit: string) => {
      const sources = { web: aRoleSource() };
      const context = { ...shared, ...signing, sources, history: noHistory, print: () => undefined };
      return (await publish({ ...context, commit: digit.repeat(40) })).release;
    },
    rollBack: (changes: { release?: string; reason?: string } = {}) =>
      rollBack({ ...shared, release: undefined, reason: "it is slow", ...changes }),
    live: async () =>
      Promise.all(shared.catalogs.map(async (catalog) => (await catalog.pointer())!.pointer.release)),
  };
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error: RekindleError) => error,
  );

describe("a publication", () => {
  it("is written to the history of every region, with the release before it", async () => {
    const { catalogs, publish } = aBench();
    const [first, second] = [await publish("a"), await publish("b")];
    for (const catalog of catalogs) {
      const [newest, oldest] = await catalog.history();
      expect(newest).toEqual({
        version: 1,
        at: "2026-11-24T10:00:02.000Z",
        kind: "publish",
        release: second,
        commit: "b".repeat(40),
        ...aCommit,
        publisher: "arn:somebody",
        previous: first,
        reason: null,
      });
      expect(oldest).toMatchObject({ release: first, previous: null });
      expect(await catalog.store.list("history/")).toEqual([
        `history/20261124T100001000Z-${first}.json`,
        `history/20261124T100002000Z-${second}.json`,
      ]);
    }
  });

  it("is not written again when it is live already", async () => {
    const { catalogs, publish } = aBench();
    await publish("a");
    await publish("a");
    expect(await catalogs[0]!.history()).toHaveLength(1);
  });
});

describe("a rollback", () => {
  it("points every region to the release before, and says so in every history", async () => {
    const { catalogs, stores, publish, rollBack, live } = aBench();
    const first = await publish("a");
    const before = await catalogs[0]!.pointer();
    const second = await publish("b");
    const written = stores[0].writes.length;
    expect(await rollBack()).toEqual({
      version: 1,
      release: first,
      commit: "a".repeat(40),
      previous: second,
      reason: "it is slow",
    });
    expect(await live()).toEqual([first, first]);
    expect((await catalogs[0]!.pointer())!.pointer).toEqual(before!.pointer);
    expect(stores[0].writes.slice(written)).toHaveLength(2);
    for (const catalog of catalogs) {
      expect((await catalog.history())[0]).toMatchObject({
        kind: "rollback",
        release: first,
        previous: second,
        reason: "it is slow",
        ...aCommit,
      });
    }
  });

  it("goes further back the second time, and not forward again", async () => {
    const { publish, rollBack, live } = aBench();
    const first = await publish("a");
    await publish("b");
    await publish("c");
    await rollBack();
    await rollBack();
    expect(await live()).toEqual([first, first]);
    expect((await failure(rollBack())).message).toContain(`no release before ${first}`);
  });

  it("goes to a release that is named", async () => {
    const { publish, rollBack, live } = aBench();
    const first = await publish("a");
    await publish("b");
    await publish("c");
    await rollBack({ release: first });
    expect(await live()).toEqual([first, first]);
  });

  it("asks git who wrote a commit that is older than the history", async () => {
    const { stores, catalogs, shared, publish, rollBack } = aBench();
    const first = await publish("a");
    await publish("b");
    stores[0].list = async () => [];
    shared.repository.describe = async () => ({ ...aCommit, subject: "from git" });
    await rollBack({ release: first });
    expect((await catalogs[1]!.history())[0]).toMatchObject({ kind: "rollback", subject: "from git" });
  });

  it("needs a reason", async () => {
    const { publish, rollBack } = aBench();
    await publish("a");
    const { kind, message } = await failure(rollBack({ reason: " " }));
    expect({ kind, message }).toMatchObject({ kind: "bad-input", message: /--reason/ });
  });

  it.each([
    [
      "an unknown release",
      () => "cccccccccccc-000000000000",
      "there is no release cccccccccccc-000000000000",
    ],
    ["the release that is live", (_first: string, second: string) => second, "is live already"],
  ])("to %s is refused, and lists the ones there are", async (_name, choose, said) => {
    const { publish, rollBack, live } = aBench();
    const [first, second] = [await publish("a"), await publish("b")];
    const { kind, message, details } = await failure(rollBack({ release: choose(first, second) }));
    expect(kind).toBe("refused");
    expect(message).toContain(said);
    expect(details).toEqual([
      `${first} in ${recovery}, ${primary}`,
      `${second} in ${recovery}, ${primary}, live`,
    ]);
    expect(await live()).toEqual([second, second]);
  });

  it("is refused where nothing was published", async () => {
    const { kind, message, details } = await failure(aBench().rollBack());
    expect(kind).toBe("refused");
    expect(message).toContain("nothing is published for shop yet");
    expect(details).toEqual(["no release is in any region"]);
  });

  it("to a release that one region lacks is refused, and names that region", async () => {
    const { stores, publish, rollBack, live } = aBench();
    const [first, second] = [await publish("a"), await publish("b")];
    const { get, list } = stores[1];
    stores[1].get = async (key, version) =>
      key === manifestKey(first) ? undefined : get.call(stores[1], key, version);
    stores[1].list = async (prefix) =>
      (await list.call(stores[1], prefix)).filter((key) => key !== manifestKey(first));
    const { kind, message, details } = await failure(rollBack());
    expect(kind).toBe("refused");
    expect(message).toContain(`release ${first} has no manifest in ${primary}`);
    expect(details).toContain(`${first} in ${recovery}`);
    expect(await live()).toEqual([second, second]);
  });

  it("to a release that servers could not read is refused", async () => {
    const { stores, catalogs, publish, rollBack, live } = aBench();
    const first = await publish("a");
    const second = await publish("b");
    const { manifest } = (await catalogs[1]!.manifest(first))!;
    await stores[1].archive(manifest.roles.web!.bundle.key);
    const { kind, message, details } = await failure(rollBack());
    expect(kind).toBe("refused");
    expect(message).toContain(`rekindle thaw-release ${first}`);
    expect(details).toEqual([`archived: s3://p-bucket/${manifest.roles.web!.bundle.key}`]);
    expect(await live()).toEqual([second, second]);
  });

  it("is refused when someone else moves the pointer meanwhile", async () => {
    const { stores, catalogs, publish, rollBack, live } = aBench();
    await publish("a");
    await publish("b");
    let third = "";
    stores[0].beforeSwap = async () => {
      third = await publish("c");
    };
    const { kind, message } = await failure(rollBack());
    expect(kind).toBe("refused");
    expect(message).toContain(`it now names commit ${"c".repeat(40)}`);
    expect(await live()).toEqual([third, third]);
    expect((await catalogs[0]!.history()).map(({ kind }) => kind)).toEqual(["publish", "publish", "publish"]);
  });
});

describe("in S3", () => {
  const sandbox = runningSandbox();

  it("a rollback moves both regions' pointers, and the log tells of it", async () => {
    const field = await testField(sandbox(), aTopology());
    const { shared, cloud } = field;
    const catalogs = [cloud.recovery.catalog, cloud.primary.catalog];
    const { release: first } = await publishIn(field);
    const { release: second } = await publishIn(field, { commit: "b".repeat(40) });
    await rollBack({ ...shared, catalogs, release: undefined, reason: "it is slow" });
    for (const catalog of catalogs) {
      expect((await catalog.pointer())!.pointer.release).toBe(first);
      expect(await catalog.releases()).toEqual([first, second]);
    }
    const { entries } = await readLog(catalogs);
    expect(entries.map(({ kind, release, reason }) => [kind, release, reason])).toEqual([
      ["rollback", first, "it is slow"],
      ["publish", second, null],
      ["publish", first, null],
    ]);
    expect(entries[0]!.publisher).toMatch(/^arn:aws:/);
  });
});
