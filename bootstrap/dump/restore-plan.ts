import { type Dump, size, totalBytes } from "./dump.ts";

/** What a server is before a restore. */
export interface ServerLook {
  /** As the server says it, such as `15.18 (Debian …)`. */
  version: string;
  /** PostgreSQL's only; others have their users in a database that is not restored. */
  roles: string[];
  databases: PresentDatabase[];
}

export interface PresentDatabase {
  name: string;
  tables: number;
  bytes: number;
}

/** What a restore would do. */
export interface RestorePlan {
  dump: string;
  bytes: number;
  databases: RestoredDatabase[];
  /** Roles and their memberships are made first. */
  globals: boolean;
}

export interface RestoredDatabase {
  name: string;
  tables: number;
  rows: number;
  /** What the server has under this name: nothing, an empty database, or one that gives way. */
  present: "absent" | "empty" | "replaced";
}

/** The plan, or everything that speaks against it. */
export type RestoreDecision = { kind: "plan"; plan: RestorePlan } | { kind: "refused"; reasons: string[] };

/** Data is replaced only where that was said: it may be newer than the dump's. */
export function planRestore(
  dump: Dump,
  look: ServerLook,
  options: { only?: readonly string[] | undefined; replace: boolean; withoutGlobals: boolean },
): RestoreDecision {
  const reasons: string[] = [];
  const wanted = options.only ?? dump.databases.map(({ name }) => name);
  for (const name of wanted)
    if (!dump.databases.some((one) => one.name === name))
      reasons.push(
        `${dump.id} holds no database ${name}; it holds ${dump.databases.map((one) => one.name).join(", ")}`,
      );
  if (major(look.version) < major(dump.serverVersion))
    reasons.push(
      `the server has version ${look.version}, older than the dump's ${dump.serverVersion}; restore into one at least as new`,
    );
  const databases = dump.databases
    .filter(({ name }) => wanted.includes(name))
    .map(({ name, rows }): RestoredDatabase => {
      const present = look.databases.find((one) => one.name === name);
      if (present !== undefined && present.tables > 0 && !options.replace)
        reasons.push(
          `the server has a database ${name} with ${present.tables} tables of ${size(present.bytes)}, which may be newer than the dump; --replace restores in its place, and keeps it aside`,
        );
      const counts = Object.values(rows);
      return {
        name,
        tables: counts.length,
        rows: counts.reduce((total, one) => total + one, 0),
        present: present === undefined ? "absent" : present.tables === 0 ? "empty" : "replaced",
      };
    });
  if (reasons.length > 0) return { kind: "refused", reasons };
  const globals = !options.withoutGlobals && dump.parts.some(({ stage }) => stage === "globals");
  return { kind: "plan", plan: { dump: dump.id, bytes: totalBytes(dump), databases, globals } };
}

export function describeRestorePlan({ bytes, databases, globals }: RestorePlan, where: string): string[] {
  const made = {
    absent: "created",
    empty: "filled, for it is empty",
    replaced: "put in the place of the one that is there, which is kept aside",
  };
  return [
    `${size(bytes)} would be read and restored into ${where}`,
    ...(globals ? ["roles that are not there would be created; those that are there stay as they are"] : []),
    ...databases.map(
      ({ name, tables, rows, present }) =>
        `database ${name} with ${tables} tables and ${rows} rows would be ${made[present]}`,
    ),
  ];
}

/** `15` of `15.18`, and 10.11 of MariaDB's `10.11.14-MariaDB`. */
function major(version: string): number {
  const [, first = "0", second = "0"] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return /mariadb/i.test(version) ? Number(first) * 1000 + Number(second) : Number(first) * 1000;
}
