import { describe, expect, it } from "vitest";
import { restoreDatabase } from "../../bootstrap/commands/restore-database.ts";
import { databaseIdentifier } from "../../bootstrap/config/names.ts";
import type { DatabaseInstances } from "../../bootstrap/edges/aws/database-instances.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { nextMoves } from "../../bootstrap/entry/restore-database.ts";
import { restoreNames } from "../../bootstrap/recovery/database-restore.ts";
import { account, aDatabase, aDatabaseSet, aPoint, aTopology, primary, recovery } from "../builders.ts";
import { MemoryStore } from "../fakes/memory-store.ts";

const topology = aTopology({ databases: { ledger: aDatabase({ replicateBackups: true }) } });
const identifier = databaseIdentifier("shop", "primary", "ledger");
const arnOf = (name: string) => `arn:aws:rds:${primary}:${account}:db:${name}`;

/**
 * As RDS does and the sandbox does not: an instance is modified for a while after the replication of its backups began
 * or ended, which its status tells a moment late, and is not renamed meanwhile.
 */
class SlowRds {
  readonly names = new Set([identifier]);
  readonly followed = new Set([arnOf(identifier)]);
  readonly #ending = new Map<string, number>();
  readonly #modified = new Map<string, number>();

  readonly instances: DatabaseInstances = {
    region: primary,
    look: async (name) => {
      if (!this.names.has(name)) return undefined;
      const status = this.#isModified(name) ? "modifying" : "available";
      return { arn: arnOf(name), status, endpoint: `${name}.rds:5432`, secretArn: "arn:secret" };
    },
    restore: async ({ aside }) => void this.names.add(aside),
    rename: async (name, to) => {
      if (this.#modified.has(name) || this.#ending.has(arnOf(name)))
        throw new Error(`InvalidDBInstanceState: ${name} is not available`);
      this.names.delete(name);
      this.names.add(to);
    },
    managePassword: async () => undefined,
    remove: async (name) => void this.names.delete(name),
  };

  readonly replication = {
    region: recovery,
    look: async (arn: string) => {
      const left = this.#ending.get(arn);
      if (left === 0) {
        this.#ending.delete(arn);
        this.followed.delete(arn);
        this.#modified.set(arn.split(":").at(-1)!, 1);
      } else if (left !== undefined) this.#ending.set(arn, left - 1);
      return this.followed.has(arn) ? `backup of ${arn}` : undefined;
    },
    stop: async (arn: string) => void this.#ending.set(arn, 1),
    start: async (arn: string) => {
      this.followed.add(arn);
      return `backup of ${arn}`;
    },
  };

  #isModified(name: string): boolean {
    const left = this.#modified.get(name);
    if (left === undefined) return false;
    if (left === 0) this.#modified.delete(name);
    else this.#modified.set(name, left - 1);
    return left > 0;
  }
}

async function contextWith(rds: SlowRds) {
  const catalog = new Catalog(new MemoryStore(primary));
  const point = aPoint({ sets: [aDatabaseSet("2026-11-24T10:00:00.000Z")] });
  await catalog.writePoint(point);
  return {
    topology,
    database: "ledger",
    wish: { kind: "point", id: point.id } as const,
    account: { demand: async () => undefined, keyArn: async () => "arn:key" } as never,
    catalog,
    backups: { region: primary, restorable: async () => [] },
    instances: rds.instances,
    parameters: { move: async () => undefined },
    replication: rds.replication,
    print: () => undefined,
    clock: { ...systemClock, sleep: async () => undefined },
    stopwatch: new Stopwatch(systemClock),
    signal: new AbortController().signal,
  };
}

describe("restoring an RDS instance in its own place", () => {
  it("renames it only when RDS is done with ending its replication", async () => {
    const rds = new SlowRds();
    const { kept, followedBy } = await restoreDatabase(await contextWith(rds));
    expect([...rds.names].sort()).toEqual([identifier, kept].sort());
    expect(followedBy).toBe(`backup of ${arnOf(identifier)}`);
  });

  it("goes on where a killed run ended: with the earlier one renamed, and nothing of that name", async () => {
    const rds = new SlowRds();
    const context = await contextWith(rds);
    const { aside, kept } = restoreNames(identifier, context.wish);
    rds.names.clear();
    for (const name of [aside, kept]) rds.names.add(name);
    rds.followed.clear();
    await restoreDatabase(context);
    expect([...rds.names].sort()).toEqual([identifier, kept].sort());
    expect([...rds.followed]).toEqual([arnOf(identifier)]);
  });

  it("says what is left for the servers also when Terraform's state does not answer", () => {
    const moves = nextMoves(topology, { database: "ledger", identifier }, undefined);
    expect(moves[0]).toContain("Key=tag:rekindle:environment,Values=shop Key=tag:rekindle:role,Values=web");
    expect(moves[1]).toContain("once it does, run this again");
    expect(moves).toHaveLength(2);
  });
});
