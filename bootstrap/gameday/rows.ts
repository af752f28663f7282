/** A row that clients wrote into the environment: the number and the moment that its own database gave it. */
export interface Row {
  id: number;
  /** ISO 8601, UTC. */
  at: string;
}

/** What became of the rows that clients wrote, and the RPO by the rows themselves. */
export interface DataLoss {
  /** Rows that the environment acknowledged before the fault. */
  written: number;
  lastWritten?: Row;
  /** The newest row that the rebuilt environment has; absent when it has none. */
  cameBack?: Row;
  /** Acknowledged rows that did not come back. */
  lost: number;
  /** Seconds between the newest row that came back and the fault; absent when none did. */
  rpoSeconds?: number;
}

/** Compares what was written with the newest row that came back. Rows have ascending numbers. */
export function dataLoss(written: readonly Row[], cameBack: Row | undefined, faultAt: string): DataLoss {
  const last = written.at(-1);
  const newest = cameBack?.id ?? 0;
  return {
    written: written.length,
    ...(last === undefined ? {} : { lastWritten: last }),
    ...(cameBack === undefined
      ? {}
      : {
          cameBack,
          rpoSeconds: Number(((Date.parse(faultAt) - Date.parse(cameBack.at)) / 1000).toFixed(3)),
        }),
    lost: written.filter(({ id }) => id > newest).length,
  };
}

/** Whether what came back is what was written: a row of the same number with another moment is another database's. */
export function isOurs(written: readonly Row[], cameBack: Row): boolean {
  return written.some(({ id, at }) => id === cameBack.id && Date.parse(at) === Date.parse(cameBack.at));
}
