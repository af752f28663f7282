import type { Observation } from "../recovery/point.ts";

export type Engine = "postgres" | "mysql" | "mariadb";

/**
 * `custom`: one archive of pg_dump a database. `directory`: as pg_dump's directory format has it, the tables that weigh
 * most in archives of their own, read side by side from one snapshot; pg_dump itself writes that format to files only.
 * `sql`: statements, packed by gzip.
 */
export type DumpFormat = "custom" | "directory" | "sql";

/** Table → number of rows; `schema.table` in PostgreSQL. */
export type Rows = Record<string, number>;

/** What a part must be restored after: everything of an earlier stage. Parts of one stage go side by side. */
export type Stage = "globals" | "whole" | "schema" | "data" | "indexes";

/** One object in every region's bucket. */
export interface DumpPart {
  key: string;
  stage: Stage;
  /** The database that it is of; nothing for what belongs to the whole server, or holds several. */
  database?: string;
  bytes: number;
  /** Of the stored bytes, computed while they were sent. */
  sha256: string;
  /** Region → the object's version. A region that is missing here has no copy. */
  versions: Record<string, string>;
}

export interface DumpedDatabase {
  name: string;
  /** No row is from after it. By the database's own clock; ISO 8601, UTC. */
  takenAt: string;
  observed: Observation;
  rows: Rows;
  /** What its new self is created with. PostgreSQL's only. */
  creation?: Creation;
}

export interface Creation {
  encoding: string;
  collate: string;
  ctype: string;
  owner: string;
  /** SQL that gives the database, by its own name, its settings and grants. */
  properties: string[];
}

/** The process that takes a dump, so that another one can tell whether it still does. */
export interface Runner {
  host: string;
  pid: number;
  /** When the process began, as its system says it: a number alone may be another one's by now. */
  since: string;
}

/**
 * Databases of one server, read while it was in use. `catalog/dumps/<id>.json`. Only a complete one is ever restored;
 * one database of it is consistent in itself, and MySQL's and MariaDB's are so together.
 */
export interface Dump {
  version: 1;
  /** `dump-<UTC time to the millisecond>-<name>`, so that names sort by age. */
  id: string;
  environment: string;
  /** What `dumps` of the environment calls it. */
  name: string;
  engine: Engine;
  format: DumpFormat;
  status: "pending" | "complete" | "failed";
  startedAt: string;
  /** The latest moment that any of its databases holds. ISO 8601, UTC. */
  takenAt: string;
  runner: Runner;
  serverVersion: string;
  databases: DumpedDatabase[];
  parts: DumpPart[];
  /** Why it failed, or what a complete one lacks: one sentence each. */
  faults: string[];
}

export const dumpPrefix = "dumps/";

export function dumpId(name: string, startedAt: Date): string {
  return `dump-${startedAt.toISOString().replace(/[-:.]/g, "").toLowerCase()}-${name}`;
}

/** What `dumps` of the environment calls a dump with that id; nothing for what is no id. */
export function dumpName(id: string): string | undefined {
  return /^dump-\d{8}t\d{9}z-(.+)$/.exec(id)?.[1];
}

/** Names of databases and tables may hold anything; keys hold what needs no escape. */
export function partKey(id: string, ...names: string[]): string {
  return `${dumpPrefix}${id}/${names.map(encodeURIComponent).join("/")}`;
}

/** What all regions hold: a region counts when it has every part. */
export function regionsOf({ parts }: Dump): string[] {
  const regions = new Set(parts.flatMap(({ versions }) => Object.keys(versions)));
  return [...regions].filter((region) => parts.every(({ versions }) => versions[region] !== undefined));
}

export function totalBytes({ parts }: Pick<Dump, "parts">): number {
  return parts.reduce((total, { bytes }) => total + bytes, 0);
}

export function totalRows({ databases }: Pick<Dump, "databases">): { tables: number; rows: number } {
  const counts = databases.flatMap(({ rows }) => Object.values(rows));
  return { tables: counts.length, rows: counts.reduce((total, one) => total + one, 0) };
}

/** `12.3 MiB`, for people. */
export function size(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
