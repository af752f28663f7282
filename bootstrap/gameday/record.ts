import type { GameDayReport } from "./report.ts";

/**
 * What is kept of a game day for those who were not there: `catalog/gamedays/<id>.json`. The day itself took place in
 * a sandbox; `engine` says whether its servers had bodies.
 */
export interface GameDayRecord {
  version: 1;
  /** `<environment>-<UTC time>-…`, so that names sort by age. */
  id: string;
  environment: string;
  commit: string;
  engine: string;
  startedAt: string;
  verdict: GameDayReport["verdict"];
  /** Why it failed. */
  reasons: string[];
  rtoSeconds?: number;
  rpo: GameDayReport["rpo"];
  objectives: GameDayReport["objectives"];
}

export const gameDayPrefix = "catalog/gamedays/";

export function gameDayKey({ id }: GameDayRecord): string {
  return `${gameDayPrefix}${id}.json`;
}

export function gameDayRecord(report: GameDayReport): GameDayRecord {
  const { id, environment, commit, startedAt, verdict, reasons, rtoSeconds, rpo, objectives } = report;
  return {
    version: 1,
    id,
    environment,
    commit,
    engine: report.scenario.engine,
    startedAt,
    verdict,
    reasons,
    ...(rtoSeconds === undefined ? {} : { rtoSeconds }),
    rpo,
    objectives,
  };
}
