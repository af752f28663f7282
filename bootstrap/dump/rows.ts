import type { Rows } from "./dump.ts";

/** One table whose restored rows are not the dumped ones. */
export interface RowDifference {
  table: string;
  /** Nothing: the table is not there. */
  expected: number | undefined;
  found: number | undefined;
}

/** Compares the rows that a dump recorded with those that a server has: every table that differs, sorted. */
export function compareRows(expected: Rows, found: Rows): RowDifference[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    .sort()
    .map((table) => ({ table, expected: expected[table], found: found[table] }))
    .filter((one) => one.expected !== one.found);
}

export function describeDifference(database: string, { table, expected, found }: RowDifference): string {
  const rows = (count: number | undefined) => (count === undefined ? "no such table" : `${count} rows`);
  return `${database}: table ${table}: ${rows(expected)} in the dump, ${rows(found)} restored`;
}
