/** A table, and the bytes that it takes on its server. */
export interface TableSize {
  table: string;
  bytes: number;
}

const share = 1 / 16;

/** The tables that get an archive of their own: those that weigh a sixteenth of all or more, the largest first. */
export function divide(tables: readonly TableSize[]): TableSize[] {
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  return tables
    .filter(({ bytes }) => bytes > 0 && bytes >= total * share)
    .sort((a, b) => b.bytes - a.bytes || (a.table < b.table ? -1 : 1));
}
