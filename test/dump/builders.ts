import type { Dump, DumpedDatabase, DumpPart } from "../../bootstrap/dump/dump.ts";
import { primary, recovery } from "../builders.ts";

/** Whole values around dumps, of which tests vary one thing. */

export function aDumpedDatabase(changes: Partial<DumpedDatabase> = {}): DumpedDatabase {
  return {
    name: "shop",
    takenAt: "2026-11-24T10:00:01.000Z",
    observed: { label: "application", ran: [], position: "0/1A2B3C4, snapshot 7:7:", reasons: [] },
    rows: { "public.orders": 3, "public.customers": 2 },
    creation: { encoding: "UTF8", collate: "C.UTF-8", ctype: "C.UTF-8", owner: "shop", properties: [] },
    ...changes,
  };
}

export function aDumpPart(changes: Partial<DumpPart> = {}): DumpPart {
  return {
    key: "dumps/dump-20261124t100000000z-shop/shop.dump",
    stage: "whole",
    database: "shop",
    bytes: 1000,
    sha256: "0".repeat(64),
    versions: { [primary]: "v1", [recovery]: "v2" },
    ...changes,
  };
}

export function aDump(changes: Partial<Dump> = {}): Dump {
  return {
    version: 1,
    id: "dump-20261124t100000000z-shop",
    environment: "shop",
    name: "shop",
    engine: "postgres",
    format: "custom",
    status: "complete",
    startedAt: "2026-11-24T10:00:00.000Z",
    takenAt: "2026-11-24T10:00:01.000Z",
    runner: { host: "laptop", pid: 7, since: "Tue Nov 24 09:59:00 2026" },
    serverVersion: "15.8",
    databases: [aDumpedDatabase()],
    parts: [aDumpPart()],
    faults: [],
    ...changes,
  };
}
