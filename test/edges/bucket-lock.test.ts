import { beforeEach, describe, expect, it } from "vitest";
import { type LockOptions, underLock } from "../../bootstrap/edges/bucket-lock.ts";
import { serviceTime } from "../../bootstrap/edges/service-time.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import { MemoryStore } from "../fakes/memory-store.ts";

const key = "locks/snapshot.json";
const start = Date.parse("2026-11-24T10:00:00.000Z");

/** A clock that goes on only while somebody sleeps; the store's is the same, and this machine's `wrongBy` off. */
function aClock(wrongBy = 0) {
  let elapsed = 0;
  return {
    elapsed: () => elapsed,
    now: () => new Date(start + elapsed + wrongBy),
    monotonic: () => elapsed,
    sleep: async (ms: number) => {
      elapsed += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
    store: () => new Date(start + elapsed),
  };
}

describe("a lock in a bucket", () => {
  let store: MemoryStore;
  let clock: ReturnType<typeof aClock>;
  let lines: string[];
  beforeEach(() => {
    store = new MemoryStore();
    clock = aClock();
    store.clock = clock.store;
    lines = [];
  });
  const options = (changes: Partial<LockOptions> = {}): LockOptions => ({
    name: "snapshot",
    waitMs: 0,
    clock,
    signal: new AbortController().signal,
    print: (line) => void lines.push(line),
    ...changes,
  });
  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => expect.unreachable("it was given"),
      (error: RekindleError) => error,
    );
  /** What a killed run leaves. */
  const abandon = () =>
    store.swap(
      key,
      Buffer.from('{"version":1,"state":"held","holder":"process 1 on a","token":"t","renewal":0}'),
      undefined,
    );

  it("is free again after the work, also when that failed", async () => {
    expect(await underLock(store, options(), async () => 1)).toBe(1);
    await expect(underLock(store, options(), () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await underLock(store, options(), async () => 2)).toBe(2);
  });

  it("has a second run leave, and says who holds it", async () => {
    await underLock(store, options(), async () => {
      const error = await refusal(underLock(store, options(), async () => undefined));
      expect(error.kind).toBe("refused");
      expect(error.message).toMatch(
        /^another rekindle snapshot is running \(process \d+ on .*; if that was killed, its lock ends in 90 s\); leave it .* --wait$/,
      );
    });
  });

  it("has a second run wait when it is told to, and never work beside the first", async () => {
    let working = 0;
    let most = 0;
    const work = async () => {
      working += 1;
      most = Math.max(most, working);
      await clock.sleep(2_000);
      working -= 1;
    };
    await Promise.all([1, 2, 3].map(() => underLock(store, options({ waitMs: 600_000 }), work)));
    expect(most).toBe(1);
    expect(lines[0]).toMatch(/^waiting for another rekindle snapshot/);
  });

  it("of two that find it free at once is given to one", async () => {
    store.beforeSwap = async () => void (await abandon());
    expect((await refusal(underLock(store, options(), async () => undefined))).message).toContain(
      "process 1 on a",
    );
  });

  it("of a killed run ends by itself, however wrong this machine's clock is", async () => {
    await abandon();
    for (const wrongBy of [-86_400_000, 0, 86_400_000]) {
      const wrong = { ...clock, now: () => new Date(clock.now().getTime() + wrongBy) };
      expect((await refusal(underLock(store, options({ clock: wrong }), async () => 1))).kind).toBe(
        "refused",
      );
    }
    await clock.sleep(91_000);
    expect(await underLock(store, options(), async () => 1)).toBe(1);
  });

  it("of a killed run says at once who held it and when it ends, to whoever waits too", async () => {
    await abandon();
    await clock.sleep(30_000);
    const holder = "process 1 on a; if that was killed, its lock ends in 60 s";
    expect((await refusal(underLock(store, options(), async () => 1))).message).toContain(holder);
    expect(await underLock(store, options({ waitMs: 120_000 }), async () => 1)).toBe(1);
    expect(lines).toEqual([`waiting for another rekindle snapshot (${holder})`]);
    expect(clock.elapsed()).toBeLessThan(92_000);
  });

  it("is renewed while the work takes long", async () => {
    await underLock(store, options(), async (signal) => {
      for (let waited = 0; waited < 300; waited++) await clock.sleep(1_000);
      expect(signal.aborted).toBe(false);
      expect((await refusal(underLock(store, options(), async () => 1))).kind).toBe("refused");
    });
  });

  it("that somebody else has taken meanwhile ends the work", async () => {
    const reason = await underLock(store, options(), async (signal) => {
      await store.swap(
        key,
        Buffer.from('{"version":1,"state":"held","holder":"b","token":"u","renewal":0}'),
        (await store.get(key))!.etag,
      );
      for (let waited = 0; waited < 60; waited++) await clock.sleep(1_000);
      return signal.aborted ? (signal.reason as RekindleError).message : "went on";
    });
    expect(reason).toContain(`${key} could not be kept`);
    expect(JSON.parse((await store.get(key))!.body.toString()).holder).toBe("b");
  });
});

describe("the service's time", () => {
  it.each([
    0, -3_600_000, 86_400_000,
  ])("is told to about a second when this machine is %i ms off", async (wrongBy) => {
    const clock = aClock(wrongBy);
    await clock.sleep(1_234);
    const whole = async () => new Date(Math.floor(clock.store().getTime() / 1000) * 1000);
    const told = await serviceTime({ now: whole }, clock);
    expect(Math.abs(told.getTime() - clock.store().getTime())).toBeLessThan(1_000);
    if (wrongBy === 0) expect(told).toEqual(clock.store());
  });
});
