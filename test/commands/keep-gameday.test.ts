import { describe, expect, it } from "vitest";
import { keepGameDayEverywhere } from "../../bootstrap/commands/keep-gameday.ts";
import { newestKeptGameDay } from "../../bootstrap/edges/gameday-records.ts";
import { RekindleError } from "../../bootstrap/errors.ts";
import type { GameDayRecord } from "../../bootstrap/gameday/record.ts";
import { MemoryStore } from "../fakes/memory-store.ts";

const record: GameDayRecord = {
  version: 1,
  id: "shop-20261124t030000-ab12",
  environment: "shop",
  commit: "a".repeat(40),
  engine: "box",
  startedAt: "2026-11-24T03:00:00.000Z",
  verdict: "passed",
  reasons: [],
  rtoSeconds: 412,
  rpo: [],
  objectives: { rpoSeconds: 3600, rtoSeconds: 900 },
};

/** A region that answers every write with this error. */
class FailingStore extends MemoryStore {
  readonly #error: Error;

  constructor(error: Error) {
    super("eu-west-1");
    this.#error = error;
  }

  override async create(): Promise<never> {
    throw this.#error;
  }
}

describe("a game day's outcome", () => {
  it("is kept in both regions", async () => {
    const stores = { recovery: new MemoryStore(), primary: new MemoryStore("eu-west-1") };
    await keepGameDayEverywhere(stores, record, () => undefined);
    for (const store of Object.values(stores)) expect(await newestKeptGameDay(store)).toEqual(record);
  });

  it("is kept in the recovery region when the primary does not answer, and that is said", async () => {
    const lost = new FailingStore(new RekindleError("unreachable", "AWS does not answer"));
    const recovery = new MemoryStore();
    const lines: string[] = [];
    await keepGameDayEverywhere({ recovery, primary: lost }, record, (line) => lines.push(line));
    expect(await newestKeptGameDay(recovery)).toEqual(record);
    expect(lines.at(-1)).toBe("and not in eu-west-1: AWS does not answer");
  });

  it("is not taken for kept when anything else fails", async () => {
    const full = new FailingStore(new Error("no room"));
    const stores = { recovery: new MemoryStore(), primary: full };
    await expect(keepGameDayEverywhere(stores, record, () => undefined)).rejects.toThrow("no room");
  });
});
